"""Atom 1.0 (RFC 4287)."""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from api.formats.page import Page, image_type, web_address, xml_text
from api.queries.articles import Article

_NAMESPACE = "http://www.w3.org/2005/Atom"


def render(page: Page) -> bytes:
    # Written by name, not by namespace: readers that do not know prefixes exist.
    root = Element("feed", xmlns=_NAMESPACE)
    _add(root, "title", page.title)
    _add(root, "id", page.feed)
    _add(root, "updated", _date(page.updated))
    SubElement(root, "link", rel="self", href=xml_text(page.url), type="application/atom+xml")
    SubElement(root, "link", rel="alternate", href=xml_text(page.home))
    if page.next_url:
        SubElement(root, "link", rel="next", href=xml_text(page.next_url))
    for article in page.articles:
        _entry(root, article)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(root: Element, article: Article) -> None:
    entry = SubElement(root, "entry")
    _add(entry, "title", article.title)
    _add(entry, "id", f"urn:newsintel:article:{article.id}")
    _add(entry, "published", _date(article.published_at))
    _add(entry, "updated", _date(article.published_at))
    _add(SubElement(entry, "author"), "name", article.author or article.source_name)
    # An entry without content must have an alternate link; one that is no web address would be a trap.
    if link := web_address(article.url):
        SubElement(entry, "link", rel="alternate", href=xml_text(link))
    _add(entry, "summary", article.description or article.title)
    if not link:
        _add(entry, "content", article.content or article.description or article.title)
    if image := web_address(article.image_url):
        SubElement(entry, "link", rel="enclosure", href=xml_text(image), type=image_type(image))
    if article.sentiment.label:
        SubElement(entry, "category", term=article.sentiment.label, scheme="urn:newsintel:sentiment")


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = xml_text(text)


def _date(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
