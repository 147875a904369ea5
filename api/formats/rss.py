"""RSS 2.0, with the elements of Dublin Core and Atom that readers know."""

from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from api.formats.page import Page, image_type, web_address, xml_text
from api.queries.articles import Article

_ATOM = "http://www.w3.org/2005/Atom"
_DUBLIN = "http://purl.org/dc/elements/1.1/"
register_namespace("atom", _ATOM)
register_namespace("dc", _DUBLIN)


def render(page: Page) -> bytes:
    root = Element("rss", version="2.0")
    channel = SubElement(root, "channel")
    _add(channel, "title", page.title)
    _add(channel, "link", page.home)
    _add(channel, "description", page.title)
    _add(channel, "lastBuildDate", _date(page.updated))
    SubElement(channel, f"{{{_ATOM}}}link", href=xml_text(page.url), rel="self", type="application/rss+xml")
    if page.next_url:
        SubElement(channel, f"{{{_ATOM}}}link", href=xml_text(page.next_url), rel="next")
    for article in page.articles:
        _item(channel, article)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _item(channel: Element, article: Article) -> None:
    item = SubElement(channel, "item")
    _add(item, "title", article.title)
    if link := web_address(article.url):
        _add(item, "link", link)
    # Readers take a description for HTML; ours is text and is escaped once more for that.
    _add(item, "description", html(article.description or article.title))
    SubElement(item, "guid", isPermaLink="false").text = f"urn:newsintel:article:{article.id}"
    _add(item, "pubDate", _date(article.published_at))
    _add(item, f"{{{_DUBLIN}}}creator", article.author or article.source_name)
    if article.language:
        _add(item, f"{{{_DUBLIN}}}language", article.language)
    if image := web_address(article.image_url):
        # The standard wants a length and knows no "unknown"; 0 is what feeds write who do not know it.
        SubElement(item, "enclosure", url=xml_text(image), length="0", type=image_type(image))


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = xml_text(text)


def _date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)


def html(text: str) -> str:
    """Text as HTML that shows just this text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
