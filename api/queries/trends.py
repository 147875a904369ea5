"""How much is written about something and in which tone: in buckets of time, and as a distribution."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import windows
from api.queries.matching import Matching, Wanted, matching

# The distribution of polarity: twenty bins of a tenth.
BINS: Final = 20
OUTLETS: Final = 10


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One hour, day or week. Times carry the offset of the zone; `to` is where the next one begins.

    articles: that match; coverage: all articles of the archive in this time; share: articles / coverage, null when
    there is no coverage; polarity: mean of those whose tone could be measured, null when there are none.
    """

    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    articles: int
    coverage: int
    share: float | None
    polarity: float | None
    measured: int
    positive: int
    neutral: int
    negative: int


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Articles with since <= polarity < until (the last bin with its end)."""

    since: float = msgspec.field(name="from")
    until: float = msgspec.field(name="to")
    articles: int


class OutletShare(msgspec.Struct, frozen=True, kw_only=True):
    """One of the outlets with most articles."""

    source_name: str
    articles: int
    polarity: float | None


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    positive: int
    neutral: int
    negative: int


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """Tone of all that match. unmeasured: articles without a tone, by reason; the means are of the measured ones."""

    articles: int
    measured: int
    unmeasured: dict[str, int]
    labels: Labels
    polarity: float | None
    median_polarity: float | None
    deviation: float | None
    subjectivity: float | None
    histogram: list[Bin]
    outlets: list[OutletShare]


# `blocks` lets the search index read only the part of a word's list that lies in the time asked for.
_IN_TIME: Final = sql.SQL("{} AND news_blocks(a.published_at) && %(blocks)s::integer[]")

_COUNTS: Final = sql.SQL("""
    SELECT width_bucket(a.published_at, %(bounds)s::timestamptz[]), count(*), avg(a.polarity), count(a.polarity),
           count(*) FILTER (WHERE a.label = 'positive'), count(*) FILTER (WHERE a.label = 'neutral'),
           count(*) FILTER (WHERE a.label = 'negative')
    FROM articles a WHERE {condition} GROUP BY 1
""")

_COVERAGE: Final = """
    SELECT width_bucket(published_at, %(bounds)s::timestamptz[]), count(*)
    FROM articles WHERE published_at >= %(since)s AND published_at < %(until)s GROUP BY 1
"""

_TONES: Final = sql.SQL("""
    SELECT count(*), count(tone.polarity), avg(tone.polarity),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY tone.polarity), stddev_pop(tone.polarity),
           avg(tone.subjectivity), count(*) FILTER (WHERE tone.label = 'positive'),
           count(*) FILTER (WHERE tone.label = 'neutral'), count(*) FILTER (WHERE tone.label = 'negative')
    FROM articles a LEFT JOIN article_sentiments tone ON tone.article_id = a.id WHERE {condition}
""")

_HISTOGRAM: Final = sql.SQL("""
    SELECT least(width_bucket(a.polarity::float8, -1, 1, %(bins)s), %(bins)s), count(*)
    FROM articles a WHERE {condition} AND a.polarity IS NOT NULL GROUP BY 1
""")

_REASONS: Final = sql.SQL("""
    SELECT coalesce(tone.reason, 'not_analyzed'), count(*)
    FROM articles a LEFT JOIN article_sentiments tone ON tone.article_id = a.id
    WHERE {condition} AND a.polarity IS NULL GROUP BY 1 ORDER BY 1
""")

_OUTLETS: Final = sql.SQL("""
    SELECT a.source_name, count(*), avg(a.polarity)
    FROM articles a WHERE {condition} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(outlets)s
""")


async def buckets(
    connection: AsyncConnection[Any], wanted: Wanted, bounds: Sequence[datetime]
) -> list[Bucket]:
    """One bucket between each two bounds, empty ones too. The first and the last are cut to the time of `wanted`.

    Raises BadQueryError when all words of the query are too common.
    """
    asked = await matching(connection, wanted)
    values = _values(asked, wanted) | {"bounds": list(bounds)}
    counted = {row[0]: row[1:] for row in await _rows(connection, _of(_COUNTS, asked), values)}
    coverage = dict(await (await connection.execute(_COVERAGE, values)).fetchall())
    return [
        _bucket(begin, end, counted.get(n, (0, None, 0, 0, 0, 0)), coverage.get(n, 0))
        for n, (begin, end) in enumerate(itertools.pairwise(bounds), start=1)
    ]


def _bucket(begin: datetime, end: datetime, counts: Sequence[Any], coverage: int) -> Bucket:
    articles, polarity, measured, positive, neutral, negative = counts
    return Bucket(
        since=begin,
        until=end,
        articles=articles,
        coverage=coverage,
        share=round(articles / coverage, 6) if coverage else None,
        polarity=_rounded(polarity),
        measured=measured,
        positive=positive,
        neutral=neutral,
        negative=negative,
    )


async def distribution(connection: AsyncConnection[Any], wanted: Wanted) -> Distribution:
    """Raises BadQueryError when all words of the query are too common."""
    asked = await matching(connection, wanted)
    values = _values(asked, wanted) | {"bins": BINS, "outlets": OUTLETS}
    [[articles, measured, mean, median, deviation, subjectivity, *labels]] = await _rows(
        connection, _of(_TONES, asked), values
    )
    bins = dict(await _rows(connection, _of(_HISTOGRAM, asked), values))
    outlets = await _rows(connection, _of(_OUTLETS, asked), values)
    return Distribution(
        articles=articles,
        measured=measured,
        unmeasured=dict(await _rows(connection, _of(_REASONS, asked), values)),
        labels=Labels(**dict(zip(Labels.__struct_fields__, labels, strict=True))),
        polarity=_rounded(mean),
        median_polarity=_rounded(median),
        deviation=_rounded(deviation),
        subjectivity=_rounded(subjectivity),
        histogram=histogram(bins),
        outlets=[OutletShare(source_name=n, articles=c, polarity=_rounded(p)) for n, c, p in outlets],
    )


def histogram(counts: dict[int, int]) -> list[Bin]:
    """Bins by their number, from 1."""
    return [
        Bin(
            since=round(n * 2 / BINS - 1, 2),
            until=round((n + 1) * 2 / BINS - 1, 2),
            articles=counts.get(n + 1, 0),
        )
        for n in range(BINS)
    ]


def _of(statement: sql.SQL, asked: Matching) -> sql.Composed:
    return statement.format(condition=_IN_TIME.format(asked.article))


def _values(asked: Matching, wanted: Wanted) -> dict[str, Any]:
    if wanted.since is None or wanted.until is None:
        raise ValueError("a trend needs both ends of its time")
    last = wanted.until - timedelta(microseconds=1)
    return asked.values | {"blocks": list(windows.newest_first(last, wanted.since))}


async def _rows(connection: AsyncConnection[Any], query: sql.Composed, values: dict[str, Any]) -> list[Any]:
    # Never prepared: the right plan for a rare word is the wrong one for a common word.
    return await (await connection.execute(query, values, prepare=False)).fetchall()


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)
