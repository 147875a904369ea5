"""A list of articles as it goes out: JSON or another format, and the links to its other pages."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from api import formats
from api.freshness import Freshness
from api.queries.articles import Article, Mention, Sentiment
from api.queries.explaining import Explanation
from api.queries.highlights import Highlights
from api.queries.search import Found, Relation
from api.queries.windows import EPOCH
from api.question import FIELDS, Question, View


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An article of a list: all its fields, or with `fields` those that were asked for. highlights: with
    `highlight=true`, where words of the query stand in it.
    """

    id: int | msgspec.UnsetType = msgspec.UNSET
    title: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    content: str | msgspec.UnsetType | None = msgspec.UNSET
    url: str | msgspec.UnsetType = msgspec.UNSET
    source: str | msgspec.UnsetType = msgspec.UNSET
    source_name: str | msgspec.UnsetType = msgspec.UNSET
    author: str | msgspec.UnsetType | None = msgspec.UNSET
    image_url: str | msgspec.UnsetType | None = msgspec.UNSET
    language: str | msgspec.UnsetType | None = msgspec.UNSET
    published_at: datetime | msgspec.UnsetType = msgspec.UNSET
    fetched_at: datetime | msgspec.UnsetType = msgspec.UNSET
    story_id: int | msgspec.UnsetType = msgspec.UNSET
    also_in: list[Mention] | msgspec.UnsetType = msgspec.UNSET
    sentiment: Sentiment | msgspec.UnsetType = msgspec.UNSET
    highlights: Highlights | msgspec.UnsetType = msgspec.UNSET


class ArticleList(msgspec.Struct, frozen=True, kw_only=True):
    """One page of stories. next: `cursor` of the next page; explain: with `explain=true`."""

    articles: list[Hit]
    total: int
    total_relation: Relation
    page: int
    limit: int
    has_more: bool
    next: str | None
    freshness: Freshness
    explain: Explanation | msgspec.UnsetType = msgspec.UNSET


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is made of, as one snapshot of the archive had it."""

    found: Found
    freshness: Freshness
    highlights: dict[int, Highlights]
    explain: Explanation | msgspec.UnsetType


def body(origin: str, asked: Question, read: Read, after: str | None) -> bytes:
    found = read.found
    if render := formats.BY_NAME[asked.view.format].render:
        return render(_page(origin, asked, found, after))
    hits: list[Any] = [_hit(article, asked.view, read.highlights) for article in found.articles]
    return msgspec.json.encode(
        ArticleList(
            articles=hits,
            total=found.total,
            total_relation=found.total_relation,
            page=found.page,
            limit=asked.view.limit,
            has_more=found.has_more,
            next=after,
            freshness=read.freshness,
            explain=read.explain,
        )
    )


def _page(origin: str, asked: Question, found: Found, after: str | None) -> formats.Page:
    return formats.Page(
        title=f"News: {asked.asked.words}" if asked.asked.words else "News",
        feed=_address(origin, asked.pairs),
        url=_address(origin, [*asked.pairs, *_place(asked.view)]),
        home=origin,
        next_url=_address(origin, [*asked.pairs, ("cursor", after)]) if after else None,
        updated=max((article.published_at for article in found.articles), default=EPOCH),
        articles=found.articles,
        fields=asked.view.fields,
    )


def _address(origin: str, pairs: list[tuple[str, str]]) -> str:
    return f"{origin}/articles?{urlencode(pairs)}".rstrip("?")


def _place(view: View) -> list[tuple[str, str]]:
    """Where in the list a page is; nothing for the first."""
    if view.after is not None:
        return [("cursor", view.after)]
    return [("page", str(view.page))] if view.page > 1 else []


def _hit(article: Article, view: View, marks: dict[int, Highlights]) -> Any:
    """The article as it is, or with what was asked for beside it, or a part of it."""
    if view.fields is None and article.id not in marks:
        return article
    shown = {name: getattr(article, name) for name in view.fields or FIELDS}
    return shown | ({"highlights": marks[article.id]} if article.id in marks else {})


def links(asked: Question, after: str | None) -> str:
    """RFC 8288: the first page, the one before when it has a number, and the next."""
    pages: list[tuple[str, dict[str, Any]]] = [("first", {})]
    if asked.view.page > 1:
        pages.append(("prev", {"page": asked.view.page - 1}))
    if after:
        pages.append(("next", {"cursor": after}))
    return ", ".join(
        f'</articles?{urlencode([*asked.pairs, *more.items()])}>; rel="{relation}"'
        for relation, more in pages
    )
