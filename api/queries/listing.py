"""Which articles a list shows, in which order: ids only, each story once, at a cost that the archive's size does not
change.

Every order is that of time, or begins with the newest matches in an order of their own (the ranked part). An article
stands for its story when no other match of the story comes before it, so a list never shows one article twice.
"""

from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import windows
from api.queries.matching import Matching

# So many matches are compared for the ranked part. Text rank unpacks the words of each: 200 cost about 2 ms.
RANKED: Final = 200


class Extent(msgspec.Struct, frozen=True):
    """What there is at this moment; ids are given in the order of commits."""

    newest_id: int
    oldest: datetime
    newest: datetime


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """The time that a list is about, both ends included, from where it begins to where it ends.

    sparse: where there are a few articles only, perhaps spread over decades: before this moment.
    """

    begin: datetime
    end: datetime
    sparse: datetime | None = None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """ids and stories: of the first `depth` matches and one more, in order, the first `ranked` of them ranked.

    boundary: time and id of the last match that was considered for the ranked part, if there is one.
    """

    ids: list[int]
    stories: list[int]
    ranked: int
    boundary: tuple[datetime, int] | None


_EXTENT: Final = "SELECT max(id), min(published_at), max(published_at) FROM articles"
_DENSE: Final = "SELECT published_at FROM articles ORDER BY published_at, id OFFSET 500 LIMIT 1"

# What an order may need. The vector is a pointer here: it is read only of those that are ranked.
_COLUMNS: Final = sql.SQL("a.id, a.story_id, a.published_at, a.completeness, a.polarity, a.search")

# One look into the index for each block of time, in their order, and none after the last that is needed. Then,
# if that is still needed and the index finds it at once, the rest. From the oldest on, first what is sparse: blocks
# that grew through empty decades would be years long where there are articles.
_MATCHES: Final = sql.SQL("""
    (
        SELECT {columns} FROM articles a
        WHERE %(sparse)s::timestamptz IS NOT NULL AND a.published_at < %(sparse)s AND {condition}
        ORDER BY {order} OFFSET 0
    )
    UNION ALL
    SELECT a.* FROM unnest(%(blocks)s::integer[]) AS w (block)
    CROSS JOIN LATERAL (
        SELECT {columns} FROM articles a
        WHERE news_blocks(a.published_at) @> ARRAY[w.block] AND {condition}
          AND (%(sparse)s::timestamptz IS NULL OR a.published_at >= %(sparse)s)
        ORDER BY {order} OFFSET 0
    ) a
    UNION ALL (
        SELECT {columns} FROM articles a WHERE %(rest)s::timestamptz IS NOT NULL AND {rest} AND {condition}
        ORDER BY {order} OFFSET 0
    )
""")

_LIST: Final = sql.SQL("""
    WITH found AS MATERIALIZED (
        SELECT a.*, row_number() OVER (ORDER BY {order}) AS place FROM ({matches} LIMIT %(depth)s + 1) a
    ), valued AS (
        SELECT id, story_id, place, CASE WHEN place <= %(ranked)s THEN {value} END AS value FROM found f
    )
    SELECT coalesce(array_agg(id ORDER BY value DESC NULLS LAST, place), '{{}}'),
           coalesce(array_agg(story_id ORDER BY value DESC NULLS LAST, place), '{{}}'), count(value),
           (SELECT ARRAY[(extract(epoch FROM published_at) * 1000000)::bigint, id]
            FROM found WHERE place <= %(ranked)s ORDER BY place DESC LIMIT 1)
    FROM valued
""")

_NEWEST: Final = sql.SQL("SELECT a.id FROM ({matches}) a LIMIT %(most)s")

# After a place in the order of time. As of the first page: what came later is left out, here and where a story's other
# matches are looked at, so that no story moves to where the reader has been.
_AFTER: Final = sql.SQL("""
    SELECT a.id, a.published_at FROM ({matches}) a
    WHERE NOT coalesce((
        SELECT true FROM articles b
        WHERE b.story_id = a.story_id AND b.id <= %(newest_id)s AND {before} AND {condition} LIMIT 1
    ), false)
    LIMIT %(limit)s
""")

_DIRECTIONS: Final[dict[bool, dict[str, LiteralString]]] = {
    True: {
        "order": "a.published_at DESC, a.id DESC",
        "after": "(a.published_at, a.id) < (%(at)s, %(id)s)",
        "before": "(b.published_at, b.id) > (a.published_at, a.id)",
        "rest": "a.published_at < %(rest)s::timestamptz",
    },
    False: {
        "order": "a.published_at, a.id",
        "after": "(a.published_at, a.id) > (%(at)s, %(id)s)",
        "before": "(b.published_at, b.id) < (a.published_at, a.id)",
        "rest": "a.published_at >= %(rest)s::timestamptz",
    },
}

# How good a match is, where that is not a matter of time; `f` is the match.
_VALUES: Final[dict[str, LiteralString]] = {
    # Text rank x freshness (half after three days, a tenth after a month) x completeness (half to one).
    "relevance": (
        "ts_rank(f.search, %(ranking)s::tsquery)"
        " / (1 + greatest(extract(epoch FROM %(now)s - f.published_at), 0)::float8 / 259200)"
        " * (0.5 + f.completeness / 200.0::float8)"
    ),
    "coverage": "(SELECT count(*) FROM articles WHERE story_id = f.story_id)",
    # What has no polarity comes after all that has one.
    "positive": "coalesce(f.polarity, -2)",
    "negative": "coalesce(-f.polarity, -2)",
}


async def extent(connection: AsyncConnection[Any]) -> Extent | None:
    """None for an empty archive."""
    row = await (await connection.execute(_EXTENT)).fetchone()
    return Extent(*row) if row and row[0] is not None else None


async def dense(connection: AsyncConnection[Any], extent: Extent) -> datetime:
    """Before it there are a few articles only."""
    row = await (await connection.execute(_DENSE)).fetchone()
    return row[0] if row else extent.newest


async def ordered(
    connection: AsyncConnection[Any],
    matching: Matching,
    sort: str,
    bounds: Bounds,
    *,
    now: datetime,
    depth: int,
) -> Listed:
    """The list from its beginning, made of its first `depth` matches."""
    direction = _DIRECTIONS[sort != "oldest"]
    order = sql.SQL(direction["order"])
    query = _LIST.format(
        order=order,
        matches=_matches(matching.article, direction),
        value=sql.SQL(_VALUES.get(sort, "NULL::float8")),
    )
    values = {
        **_steps(bounds, matching), "depth": depth, "now": now,
        "ranked": RANKED if sort in _VALUES else 0, "ranking": matching.ranking,
    }  # fmt: skip
    [(ids, stories, ranked, boundary)] = await rows(connection, query, matching.values | values)
    return Listed(
        ids=ids,
        stories=stories,
        ranked=ranked,
        boundary=(moment(boundary[0]), boundary[1]) if boundary else None,
    )


async def newest(
    connection: AsyncConnection[Any], matching: Matching, extent: Extent | None, most: int
) -> list[int]:
    """The newest matches, at most so many: articles, not stories."""
    if extent is None:
        return []
    matches = _matches(matching.article, _DIRECTIONS[True])
    values = {**_steps(Bounds(begin=extent.newest, end=extent.oldest), matching), "most": most}
    found = await rows(connection, _NEWEST.format(matches=matches), matching.values | values)
    return [row[0] for row in found]


async def after(
    connection: AsyncConnection[Any],
    matching: Matching,
    sort: str,
    bounds: Bounds,
    *,
    last_id: int,
    newest_id: int,
    limit: int,
) -> list[tuple[int, datetime]]:
    """Ids and times of what follows `bounds.begin` and last_id in the order of time, among ids up to newest_id."""
    direction = _DIRECTIONS[sort != "oldest"]
    follows = sql.SQL(" AND ").join(
        [
            matching.article,
            sql.SQL("a.id <= %(newest_id)s"),
            sql.SQL(direction["after"]),
        ]
    )
    query = _AFTER.format(
        matches=_matches(follows, direction),
        before=sql.SQL(direction["before"]),
        condition=matching.other,
    )
    values = {
        **_steps(bounds, matching), "at": bounds.begin, "id": last_id, "newest_id": newest_id, "limit": limit,
    }  # fmt: skip
    return await rows(connection, query, matching.values | values)


def _matches(condition: sql.Composable, direction: dict[str, LiteralString]) -> sql.Composed:
    return _MATCHES.format(
        columns=_COLUMNS,
        condition=condition,
        order=sql.SQL(direction["order"]),
        rest=sql.SQL(direction["rest"]),
    )


def _steps(bounds: Bounds, matching: Matching) -> dict[str, Any]:
    begin, sparse = bounds.begin, None
    if bounds.sparse and begin < bounds.sparse:
        begin = sparse = bounds.sparse
    if sparse and bounds.end < sparse:
        return {"blocks": [], "rest": None, "sparse": sparse}
    if matching.indexed:
        smallest = windows.FOR_PREFIXES if matching.prefixed else 0
        steps = windows.looks(begin, bounds.end, smallest=smallest)
        return {"blocks": steps.blocks, "rest": steps.rest, "sparse": sparse}
    blocks = windows.newest_first if begin > bounds.end else windows.oldest_first
    return {"blocks": list(blocks(begin, bounds.end)), "rest": None, "sparse": sparse}


def moment(microseconds: int) -> datetime:
    return windows.EPOCH + windows.MICROSECOND * microseconds


def microseconds(at: datetime) -> int:
    return (at - windows.EPOCH) // windows.MICROSECOND


async def rows(connection: AsyncConnection[Any], query: sql.Composed, values: dict[str, Any]) -> list[Any]:
    # Never prepared: a plan made for any value would not know how rare the words are.
    return await (await connection.execute(query, values, prepare=False)).fetchall()
