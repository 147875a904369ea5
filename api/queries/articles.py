"""One article, as a reader sees it: its columns, its sentiment, and who else tells the same story."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from shared.errors import NotFoundError


class Sentiment(msgspec.Struct, frozen=True, kw_only=True):
    """Tone of an article, or the reason why there is none (then the other fields are null)."""

    polarity: float | None
    subjectivity: float | None
    label: str | None
    confidence: float | None
    reason: str | msgspec.UnsetType = msgspec.UNSET


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """Another place that tells the same story."""

    source: str
    source_name: str
    url: str
    published_at: datetime


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """An article with everything that a list shows of it."""

    id: int
    title: str
    description: str | None
    content: str | None
    url: str
    source: str
    source_name: str
    author: str | None
    image_url: str | None
    language: str | None
    published_at: datetime
    fetched_at: datetime
    story_id: int
    also_in: list[Mention]
    sentiment: Sentiment


class ArticleSentiment(msgspec.Struct, frozen=True, kw_only=True):
    """The sentiment of one article with how it was made. text_length: characters that were read."""

    article_id: int
    polarity: float | None = None
    subjectivity: float | None = None
    label: str | None = None
    confidence: float | None = None
    text_length: int | None = None
    method: str | None = None
    method_version: str | None = None
    analyzed_at: datetime | None = None
    reason: str | msgspec.UnsetType = msgspec.UNSET


# What there is to say while an article has no sentiment row yet.
NOT_ANALYZED: Final = "not_analyzed"

# In the order in which `article` below takes them.
COLUMNS: Final = sql.SQL(
    "a.id, a.title, a.description, a.content, a.url, a.source, a.source_name, a.author, a.image_url, a.language, "
    "a.published_at, a.fetched_at, a.story_id, s.polarity, s.subjectivity, s.label, s.confidence, s.reason"
)

_THESE: Final = sql.SQL(
    "SELECT {columns} FROM articles a LEFT JOIN article_sentiments s ON s.article_id = a.id WHERE a.id = ANY(%s)"
).format(columns=COLUMNS)

# The other articles of the stories, and every other place where one of their articles was sighted.
_MENTIONS: Final = """
    SELECT a.story_id, a.id AS article_id, a.source, a.source_name, a.url, a.published_at
    FROM articles a WHERE a.story_id = ANY(%(stories)s)
    UNION ALL
    SELECT a.story_id, NULL, g.source, g.source_name, g.url, g.published_at
    FROM articles a JOIN sightings g ON g.article_id = a.id
    WHERE a.story_id = ANY(%(stories)s) AND (g.source, g.external_id) <> (a.source, a.external_id)
    ORDER BY published_at, article_id NULLS LAST, source, url
"""

_STORIES_OF: Final = "SELECT id, story_id FROM articles WHERE id = ANY(%s)"

_SENTIMENT: Final = """
    SELECT a.id, s.polarity, s.subjectivity, s.label, s.confidence, s.text_length, s.method, s.method_version,
           s.analyzed_at, s.reason
    FROM articles a LEFT JOIN article_sentiments s ON s.article_id = a.id WHERE a.id = %s
"""


async def by_id(connection: AsyncConnection[Any], article_id: int) -> Article:
    """Raises NotFoundError."""
    found = await of_ids(connection, [article_id])
    if not found:
        raise NotFoundError(f"there is no article {article_id}")
    return found[0]


async def of_ids(connection: AsyncConnection[Any], ids: Sequence[int]) -> list[Article]:
    """These articles in this order, without those that are not there; at most one of each story."""
    if not ids:
        return []
    rows = {row[0]: row for row in await (await connection.execute(_THESE, (list(ids),))).fetchall()}
    return await with_mentions(connection, [rows[id_] for id_ in ids if id_ in rows])


async def stories_of(connection: AsyncConnection[Any], ids: Sequence[int]) -> dict[int, int]:
    """By article, in this order, without those that are not there."""
    if not ids:
        return {}
    stories = dict(await (await connection.execute(_STORIES_OF, (list(ids),))).fetchall())
    return {id_: stories[id_] for id_ in ids if id_ in stories}


async def sentiment(connection: AsyncConnection[Any], article_id: int) -> ArticleSentiment:
    """Raises NotFoundError."""
    row = await (await connection.execute(_SENTIMENT, (article_id,))).fetchone()
    if row is None:
        raise NotFoundError(f"there is no article {article_id}")
    *values, reason = row
    found = ArticleSentiment(**dict(zip(ArticleSentiment.__struct_fields__, values, strict=False)))
    return found if found.label else msgspec.structs.replace(found, reason=reason or NOT_ANALYZED)


async def with_mentions(connection: AsyncConnection[Any], rows: Sequence[Sequence[Any]]) -> list[Article]:
    """Rows of COLUMNS, at most one of each story, as articles in the same order."""
    shown = {row[0] for row in rows}
    mentions: dict[int, dict[tuple[str, str], Mention]] = {row[12]: {} for row in rows}
    if rows:
        found = await connection.execute(_MENTIONS, {"stories": list(mentions)})
        async for story_id, article_id, source, source_name, url, published_at in found:
            if article_id not in shown:
                mention = Mention(source=source, source_name=source_name, url=url, published_at=published_at)
                mentions[story_id].setdefault((source, url), mention)
    return [article(row, mentions[row[12]].values()) for row in rows]


def article(row: Sequence[Any], also_in: Iterable[Mention]) -> Article:
    *plain, polarity, subjectivity, label, confidence, reason = row
    tone = Sentiment(
        polarity=polarity,
        subjectivity=subjectivity,
        label=label,
        confidence=confidence,
        reason=msgspec.UNSET if label else reason or NOT_ANALYZED,
    )
    values = dict(zip(Article.__struct_fields__, plain, strict=False))
    return Article(**values, also_in=list(also_in), sentiment=tone)
