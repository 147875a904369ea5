"""JSON Feed 1.1 (https://jsonfeed.org/version/1.1)."""

from datetime import datetime
from typing import Final, Literal

import msgspec

from api.formats.page import Page, web_address
from api.queries.articles import Article, Mention, Sentiment

Version = Literal["https://jsonfeed.org/version/1.1"]
_VERSION: Final[Version] = "https://jsonfeed.org/version/1.1"


class Author(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote it, or the outlet where that is not known."""

    name: str


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """What JSON Feed has no name for."""

    source: str
    source_name: str
    story_id: int
    also_in: list[Mention]
    sentiment: Sentiment


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An article. An item must have a text; what is not known is left out."""

    id: str
    url: str | msgspec.UnsetType = msgspec.UNSET
    title: str
    content_text: str
    summary: str | msgspec.UnsetType = msgspec.UNSET
    image: str | msgspec.UnsetType = msgspec.UNSET
    date_published: datetime
    authors: list[Author]
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    language: str | msgspec.UnsetType = msgspec.UNSET
    # Names of extensions begin with an underscore.
    newsintel: Extension = msgspec.field(name="_newsintel")


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """One page of stories. feed_url: of this very page; next_url: of the next one, if there is one."""

    version: Version
    title: str
    home_page_url: str
    feed_url: str
    items: list[Item]
    next_url: str | msgspec.UnsetType = msgspec.UNSET


def render(page: Page) -> bytes:
    feed = Feed(
        version=_VERSION,
        title=page.title,
        home_page_url=page.home,
        feed_url=page.url,
        items=[_item(article) for article in page.articles],
        next_url=_known(page.next_url),
    )
    return msgspec.json.encode(feed)


def _item(article: Article) -> Item:
    return Item(
        id=f"urn:newsintel:article:{article.id}",
        url=_known(web_address(article.url)),
        title=article.title,
        content_text=article.content or article.description or article.title,
        summary=_known(article.description),
        image=_known(web_address(article.image_url)),
        date_published=article.published_at,
        authors=[Author(name=article.author or article.source_name)],
        tags=[article.sentiment.label] if article.sentiment.label else msgspec.UNSET,
        language=_known(article.language),
        newsintel=Extension(
            source=article.source,
            source_name=article.source_name,
            story_id=article.story_id,
            also_in=article.also_in,
            sentiment=article.sentiment,
        ),
    )


def _known(text: str | None) -> str | msgspec.UnsetType:
    return msgspec.UNSET if text is None else text
