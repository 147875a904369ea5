"""How much is written about something and in which tone: in buckets of time, and as a distribution."""

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import windows
from api.queries.listing import rows
from api.queries.matching import Matching, Wanted, matching

# The distribution of polarity: twenty bins of a tenth, by where each begins.
BEGINNINGS: Final = tuple(n / 10 for n in range(-10, 10))
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


_RANGE: Final = sql.SQL("a.published_at >= %(since)s AND a.published_at < %(until)s")

# `blocks` lets the search index read only the part of a word's list that lies in the time asked for. The range is kept
# from the index over time: a filter on all of its articles would unpack the words of each.
_IN_BLOCKS: Final = sql.SQL("news_blocks(a.published_at) && %(blocks)s::integer[] AND ({}) IS TRUE").format(
    _RANGE
)

# A year of a common word is half a million places in the table: with less room PostgreSQL notes only the pages, and
# looks at the words of every article there once more. So it would in a scan of the table, whose price is not known.
_ROOM: Final = "SET LOCAL work_mem = '32MB'; SET LOCAL enable_seqscan = off"

_COUNTS: Final = sql.SQL("""
    SELECT width_bucket(a.published_at, %(bounds)s::timestamptz[]), count(*), avg(a.polarity), count(a.polarity),
           count(*) FILTER (WHERE a.label = 'positive'), count(*) FILTER (WHERE a.label = 'neutral'),
           count(*) FILTER (WHERE a.label = 'negative')
    FROM articles a WHERE {condition} GROUP BY 1
""")

# Bucket by bucket there is nothing to be sorted into them: half the time.
_COVERAGE: Final = sql.SQL("""
    SELECT bucket.number, counted.articles
    FROM unnest(%(bounds)s::timestamptz[], (%(bounds)s::timestamptz[])[2:])
         WITH ORDINALITY AS bucket (begins, ends, number),
    LATERAL (
        SELECT count(*) AS articles FROM articles
        WHERE published_at >= greatest(begins, %(since)s) AND published_at < least(ends, %(until)s)
    ) counted
    WHERE ends IS NOT NULL
""")

# What matches is found once and gone through three times: for the numbers of all, for groups small enough to be told
# in several ways, and for what only the second table has. That one is asked for all ids in their order at once, which
# takes a quarter of the time that a join takes. ::real[], because that is what is stored: -0.4 as a real is a little
# less than -0.4 as a double.
_DISTRIBUTION: Final = sql.SQL("""
    WITH found AS MATERIALIZED (
        SELECT a.id, a.source_name, a.polarity, a.label FROM articles a WHERE {condition}
    ), groups AS MATERIALIZED (
        SELECT source_name, label, width_bucket(polarity, %(bins)s::real[]) AS bin,
               count(*) AS articles, count(polarity) AS measured, sum(polarity::float8) AS polarity
        FROM found GROUP BY 1, 2, 3
    ), bins AS (
        SELECT bin, sum(measured) AS articles FROM groups WHERE bin IS NOT NULL GROUP BY 1
    ), labels AS (
        SELECT label, sum(articles) AS articles FROM groups WHERE label IS NOT NULL GROUP BY 1
    ), outlets AS (
        SELECT source_name, sum(articles) AS articles, sum(polarity) / nullif(sum(measured), 0) AS polarity
        FROM groups GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(outlets)s
    ), reasons AS (
        SELECT coalesce(tone.reason, 'not_analyzed') AS reason, count(*) AS articles
        FROM found LEFT JOIN article_sentiments tone ON tone.article_id = found.id
        WHERE found.polarity IS NULL GROUP BY 1
    )
    SELECT (SELECT json_object_agg(bin, articles) FROM bins),
           (SELECT json_object_agg(label, articles) FROM labels),
           (SELECT json_object_agg(reason, articles ORDER BY reason) FROM reasons),
           (SELECT json_agg(json_build_array(source_name, articles, polarity) ORDER BY articles DESC, source_name)
            FROM outlets),
           (SELECT avg(subjectivity) FROM article_sentiments WHERE article_id = ANY(ARRAY(SELECT id FROM found))),
           count(*), count(polarity), avg(polarity), percentile_cont(0.5) WITHIN GROUP (ORDER BY polarity),
           stddev_pop(polarity)
    FROM found
""")


async def buckets(
    connection: AsyncConnection[Any], wanted: Wanted, bounds: Sequence[datetime]
) -> list[Bucket]:
    """One bucket between each two bounds, empty ones too. The first and the last are cut to the time of `wanted`.

    Raises BadQueryError when all words of the query are too common.
    """
    asked = await _matching(connection, wanted)
    values = _values(asked, wanted) | {"bounds": list(bounds)}
    counted = {row[0]: row[1:] for row in await rows(connection, _of(_COUNTS, asked), values)}
    if wanted == Wanted(since=wanted.since, until=wanted.until):
        coverage = {n: counts[0] for n, counts in counted.items()}
    else:
        coverage = dict(await rows(connection, _COVERAGE.format(), values))
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
    asked = await _matching(connection, wanted)
    values = _values(asked, wanted) | {"bins": list(BEGINNINGS), "outlets": OUTLETS}
    [
        [bins, labels, reasons, outlets, subjectivity, articles, measured, mean, median, deviation]
    ] = await rows(connection, _of(_DISTRIBUTION, asked), values)
    return Distribution(
        articles=articles,
        measured=measured,
        unmeasured=reasons or {},
        labels=Labels(**{name: (labels or {}).get(name, 0) for name in Labels.__struct_fields__}),
        polarity=_rounded(mean),
        median_polarity=_rounded(median),
        deviation=_rounded(deviation),
        subjectivity=_rounded(subjectivity),
        histogram=histogram({int(number): count for number, count in (bins or {}).items()}),
        outlets=[OutletShare(source_name=n, articles=c, polarity=_rounded(p)) for n, c, p in outlets or ()],
    )


def histogram(counts: dict[int, int]) -> list[Bin]:
    """Bins by their number, from 1."""
    return [
        Bin(since=since, until=until, articles=counts.get(number, 0))
        for number, (since, until) in enumerate(itertools.pairwise((*BEGINNINGS, 1.0)), start=1)
    ]


async def _matching(connection: AsyncConnection[Any], wanted: Wanted) -> Matching:
    """Without the time, which each statement asks for in its own way."""
    await connection.execute(_ROOM)
    return await matching(connection, msgspec.structs.replace(wanted, since=None, until=None))


def _of(statement: sql.SQL, asked: Matching) -> sql.Composed:
    time = _IN_BLOCKS if asked.indexed else _RANGE
    return statement.format(condition=sql.SQL("{} AND {}").format(asked.article, time))


def _values(asked: Matching, wanted: Wanted) -> dict[str, Any]:
    if wanted.since is None or wanted.until is None:
        raise ValueError("a trend needs both ends of its time")
    last = wanted.until - windows.MICROSECOND
    blocks = list(windows.covering(wanted.since, last))
    return asked.values | {"since": wanted.since, "until": wanted.until, "blocks": blocks}


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)
