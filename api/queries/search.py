"""A list of articles for a query and filters: each story once, by relevance or time, with a bounded count."""

from datetime import datetime
from typing import Any, Final, Literal, LiteralString

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import articles, words
from api.queries.articles import Article

# Ranking reads the text vector of each candidate: 1,000 cost about 10 ms. What is older follows by date.
RANKED = 1_000
# Counting stops here: an exact count of a common word costs seconds and tells a reader nothing.
COUNTED = 10_000
# Pages end here; deeper, `page` would have to walk over everything before it.
DEEPEST = 10_000


Relation = Literal["eq", "gte"]


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, in one canonical form: equal searches are equal values.

    q: folded words or empty; since <= published_at < until, UTC.
    """

    q: str
    sources: tuple[str, ...] | None
    sentiment: str | None
    since: datetime | None
    until: datetime | None
    language: str | None
    sort: str
    limit: int
    page: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One page. total_relation: whether total is exact (eq) or a lower bound (gte)."""

    articles: list[Article]
    total: int
    total_relation: Relation
    has_more: bool


# Text rank x freshness (half after three days, a tenth after a month) x completeness (half to one).
_SCORE: Final = sql.SQL(
    "{rank}"
    " / (1 + greatest(extract(epoch FROM %(now)s - a.published_at), 0) / 259200.0)"
    " * (0.5 + a.completeness / 200.0)"
)
_RANK: Final = sql.SQL("ts_rank(a.search, {tsquery})")

# What each field of a Search asks of an article, when it is given.
_CONDITIONS: Final[dict[str, LiteralString]] = {
    "language": "a.language = %(language)s",
    "sources": "a.sources && %(sources)s",
    "since": "a.published_at >= %(since)s",
    "until": "a.published_at < %(until)s",
    "sentiment": "EXISTS (SELECT FROM article_sentiments f WHERE f.article_id = a.id AND f.label = %(sentiment)s)",
}

_ORDERS: Final = {
    "relevance": sql.SQL(
        "max(score) FILTER (WHERE place <= %(ranked)s) DESC NULLS LAST, max(published_at) DESC, story_id DESC"
    ),
    "newest": sql.SQL("max(published_at) DESC, story_id DESC"),
    "oldest": sql.SQL("min(published_at), story_id"),
}
_NEWEST_FIRST: Final = sql.SQL("published_at DESC, id DESC")
_OLDEST_FIRST: Final = sql.SQL("published_at, id")

# The stories of one page, how many stories `depth` matches make, and how many matches there were.
_PAGE: Final = sql.SQL("""
    SELECT story_id, count(*) OVER () AS stories, (sum(count(*)) OVER ())::bigint AS matches
    FROM (
        SELECT a.story_id, a.published_at, {score} AS score, row_number() OVER (ORDER BY {direction}) AS place
        FROM (
            SELECT a.id, a.story_id, a.published_at, a.language, a.completeness, a.search
            FROM articles a WHERE {matches} ORDER BY {direction} LIMIT %(depth)s
        ) a
    ) ranked
    GROUP BY story_id
    ORDER BY {order}
    LIMIT %(limit)s + 1 OFFSET %(offset)s
""")

_COUNT: Final = sql.SQL("""
    SELECT count(*), count(DISTINCT story_id)
    FROM (SELECT a.story_id FROM articles a WHERE {matches} LIMIT %(counted)s + 1) counted
""")

# One article for each story: its lead when that matches, else the best that does.
_ARTICLES: Final = sql.SQL("""
    SELECT DISTINCT ON (a.story_id) {columns}
    FROM articles a
    JOIN stories t ON t.id = a.story_id
    LEFT JOIN article_sentiments s ON s.article_id = a.id
    WHERE a.story_id = ANY(%(stories)s) AND {matches}
    ORDER BY a.story_id, (a.id IS NOT DISTINCT FROM t.lead_id) DESC, {score} DESC, a.published_at DESC, a.id DESC
""")


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """SQL over `articles a`: which articles match, how good each one is, and the values of both."""

    matches: sql.Composable
    score: sql.Composable
    values: dict[str, Any]


async def find(connection: AsyncConnection[Any], search: Search, now: datetime) -> Found:
    """One page of stories. Run it in one snapshot: it takes several statements."""
    wanted = await _filter(connection, search, now)
    rows = await _page(connection, search, wanted, RANKED)
    # The newest 1,000 matches are not always enough for a deep page or for stories told by very many articles.
    whole = rows[0][2] < RANKED if rows else search.page == 1
    if not whole and len(rows) <= search.limit:
        rows = await _page(connection, search, wanted, COUNTED + 1)
    total, relation = _of_page(rows) if whole else await _count(connection, wanted)
    return Found(
        articles=await _articles(connection, wanted, [row[0] for row in rows[: search.limit]]),
        total=total,
        total_relation=relation,
        has_more=len(rows) > search.limit and (search.page + 1) * search.limit <= DEEPEST,
    )


async def _page(
    connection: AsyncConnection[Any], search: Search, wanted: Filter, depth: int
) -> list[tuple[int, int, int]]:
    query = _PAGE.format(
        score=wanted.score,
        direction=_OLDEST_FIRST if search.sort == "oldest" else _NEWEST_FIRST,
        matches=wanted.matches,
        order=_ORDERS[search.sort],
    )
    bounds = {
        "limit": search.limit,
        "offset": (search.page - 1) * search.limit,
        "depth": depth,
        "ranked": RANKED,
    }
    return await _rows(connection, query, wanted.values | bounds)


def _of_page(rows: list[tuple[int, int, int]]) -> tuple[int, Relation]:
    return (rows[0][1] if rows else 0), "eq"


async def _count(connection: AsyncConnection[Any], wanted: Filter) -> tuple[int, Relation]:
    query = _COUNT.format(matches=wanted.matches)
    [(matches, stories)] = await _rows(connection, query, wanted.values | {"counted": COUNTED})
    return stories, "eq" if matches <= COUNTED else "gte"


async def _articles(connection: AsyncConnection[Any], wanted: Filter, stories: list[int]) -> list[Article]:
    if not stories:
        return []
    query = _ARTICLES.format(columns=articles.COLUMNS, matches=wanted.matches, score=wanted.score)
    rows = {row[12]: row for row in await _rows(connection, query, wanted.values | {"stories": stories})}
    return await articles.with_mentions(connection, [rows[story] for story in stories])


async def _rows(connection: AsyncConnection[Any], query: sql.Composed, values: dict[str, Any]) -> list[Any]:
    # Never prepared: the right plan for a rare word is the wrong one for a common word.
    return await (await connection.execute(query, values, prepare=False)).fetchall()


async def _filter(connection: AsyncConnection[Any], search: Search, now: datetime) -> Filter:
    values = {
        "now": now,
        "sources": list(search.sources or ()),
        "sentiment": search.sentiment,
        "since": search.since,
        "until": search.until,
        "language": search.language,
    }
    conditions: list[sql.Composable] = [
        sql.SQL(each) for field, each in _CONDITIONS.items() if getattr(search, field)
    ]
    rank: sql.Composable = sql.Literal(1)
    if search.q:
        read = await words.read(connection, search.q, search.language)
        conditions.insert(0, read.condition)
        rank = _RANK.format(tsquery=read.tsquery)
        values |= read.values
    return Filter(
        matches=sql.SQL(" AND ").join(conditions or [sql.SQL("true")]),
        score=_SCORE.format(rank=rank),
        values=values,
    )
