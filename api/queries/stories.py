"""One story: everybody who tells it, in the order in which they did, how each came to it, and in which tone."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import articles
from api.queries.articles import Article, Mention
from shared.errors import NotFoundError

# Longer than any story that was ever told; a defect of matching must not become an answer of a gigabyte.
MOST_ARTICLES: Final = 500


class Moved(msgspec.Struct, frozen=True):
    """The story was merged into another one."""

    into: int


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """Why an article belongs to its story. score: how much alike the titles are, 0 to 100."""

    method: str
    score: float | None
    why: str


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An article of the story; hours_later: after the first one."""

    article: Article
    matched: Matched
    hours_later: float


class OutletTone(msgspec.Struct, frozen=True, kw_only=True):
    """How one outlet tells it. polarity: mean of its articles whose tone could be measured, null when none could."""

    source_name: str
    articles: int
    measured: int
    polarity: float | None
    lowest: float | None
    highest: float | None


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """The timeline: articles published within an hour, with the first of them. Hours without any are left out."""

    at: datetime
    articles: int
    outlets: list[str]
    first_article_id: int
    first_title: str


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A story. articles: in the order of publication; also_in: further places where one of them was seen."""

    id: int
    title: str
    lead_id: int
    article_count: int
    sources: list[str]
    outlets: int
    first_published_at: datetime
    last_published_at: datetime
    articles: list[Member]
    also_in: list[Mention]
    timeline: list[Hour]
    tone_by_outlet: list[OutletTone]


_STORY: Final = """
    SELECT merged_into, lead_id, article_count, sources, first_published_at, last_published_at
    FROM stories WHERE id = %s
"""

# Ids are given in the order in which articles reach us. Whatever joins stories, the one that keeps its id is the older.
_MEMBERS: Final = sql.SQL("""
    SELECT a.match_method, a.match_score, a.id = min(a.id) OVER (), {columns}
    FROM articles a LEFT JOIN article_sentiments s ON s.article_id = a.id
    WHERE a.story_id = %s ORDER BY a.published_at, a.id LIMIT %s
""").format(columns=articles.COLUMNS)

# Every other place where one of its articles was sighted.
_SIGHTINGS: Final = """
    SELECT g.source, g.source_name, g.url, g.published_at
    FROM articles a JOIN sightings g ON g.article_id = a.id
    WHERE a.story_id = %s AND (g.source, g.external_id) <> (a.source, a.external_id)
    ORDER BY g.published_at, g.source, g.url LIMIT %s
"""


async def by_id(connection: AsyncConnection[Any], story_id: int) -> Story | Moved:
    """Raises NotFoundError."""
    row = await (await connection.execute(_STORY, (story_id,))).fetchone()
    if row is None:
        raise NotFoundError(f"there is no story {story_id}")
    merged_into, lead_id, count, sources, first, last = row
    if merged_into is not None:
        return Moved(merged_into)
    if lead_id is None:  # made by a transaction that has not filled it, or emptied by retention
        raise NotFoundError(f"story {story_id} has no articles")
    rows = await (await connection.execute(_MEMBERS, (story_id, MOST_ARTICLES))).fetchall()
    found = await (await connection.execute(_SIGHTINGS, (story_id, MOST_ARTICLES))).fetchall()
    members = _members(rows)
    return Story(
        id=story_id,
        title=next((m.article.title for m in members if m.article.id == lead_id), members[0].article.title),
        lead_id=lead_id,
        article_count=count,
        sources=sources,
        outlets=len({member.article.source_name for member in members}),
        first_published_at=first,
        last_published_at=last,
        articles=members,
        also_in=[Mention(**dict(zip(Mention.__struct_fields__, each, strict=True))) for each in found],
        timeline=timeline(members),
        tone_by_outlet=tones(members),
    )


def _members(rows: Sequence[Sequence[Any]]) -> list[Member]:
    made = [
        (method, score, is_oldest, articles.article(columns, ()))
        for method, score, is_oldest, *columns in rows
    ]
    begin = made[0][3].published_at
    return [
        Member(
            article=article,
            matched=Matched(method=method, score=score, why=_why(method, score, is_oldest=is_oldest)),
            hours_later=round((article.published_at - begin).total_seconds() / 3600, 2),
        )
        for method, score, is_oldest, article in made
    ]


def _why(method: str, score: float | None, *, is_oldest: bool) -> str:
    """is_oldest: no article of the story reached us before; what it began with may have been deleted since."""
    if method == "title" and score is not None:
        return (
            f"Its title is {score:.0f} % alike to another one of the story, with the same numbers and dates."
        )
    if method == "title":
        return "One item led to it and to another one of the story: its address was changed."
    if is_oldest:
        return "The story began with it: it was the first of them to reach us."
    return "It began a story of its own; a title or an address that came later joined that story to this one."


def timeline(members: Sequence[Member]) -> list[Hour]:
    """Members come in the order of publication."""
    hours: dict[datetime, list[Article]] = defaultdict(list)
    for member in members:
        at = member.article.published_at
        hours[at.replace(minute=0, second=0, microsecond=0)].append(member.article)
    return [
        Hour(
            at=at,
            articles=len(found),
            outlets=list(dict.fromkeys(each.source_name for each in found)),
            first_article_id=found[0].id,
            first_title=found[0].title,
        )
        for at, found in hours.items()
    ]


def tones(members: Sequence[Member]) -> list[OutletTone]:
    """The outlets with most articles first."""
    by_outlet: dict[str, list[Article]] = defaultdict(list)
    for member in members:
        by_outlet[member.article.source_name].append(member.article)
    found = [_tone(outlet, told) for outlet, told in by_outlet.items()]
    return sorted(found, key=lambda tone: (-tone.articles, tone.source_name))


def _tone(outlet: str, told: Sequence[Article]) -> OutletTone:
    measured = [each.sentiment.polarity for each in told if each.sentiment.polarity is not None]
    return OutletTone(
        source_name=outlet,
        articles=len(told),
        measured=len(measured),
        polarity=round(sum(measured) / len(measured), 4) if measured else None,
        lowest=min(measured, default=None),
        highest=max(measured, default=None),
    )
