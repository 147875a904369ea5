"""A list of articles for a query and filters: each story once, by relevance or time, with a bounded count."""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import articles
from api.queries.articles import Article
from shared.languages import regconfig

# Ranking reads the text vector of each candidate: 1,000 cost about 10 ms. What is older follows by date.
RANKED = 1_000
# Counting stops here: an exact count of a common word costs seconds and tells a reader nothing.
COUNTED = 10_000
# Pages end here; deeper, `page` would have to walk over everything before it.
DEEPEST = 10_000


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
    total_relation: Literal["eq", "gte"]
    has_more: bool


# English is what most readers type: its articles are searched by word stem, all others by the words as typed. A
# `language` filter searches with that language's stems. One query per language keeps a NOT exact: with both joined
# by OR, "war -running" would still find a stemmed "run" through the unstemmed half.
_BY_STEM: Final = sql.SQL("websearch_to_tsquery('english', %(q)s)")
_AS_TYPED: Final = sql.SQL("websearch_to_tsquery('simple', %(q)s)")
_IN_LANGUAGE: Final = sql.SQL("websearch_to_tsquery(%(config)s::regconfig, %(q)s)")
_ANY_LANGUAGE: Final = sql.SQL(
    "(a.language = 'en' AND a.search @@ {stem} OR a.language IS DISTINCT FROM 'en' AND a.search @@ {typed})"
).format(stem=_BY_STEM, typed=_AS_TYPED)
_STEM_OR_TYPED: Final = sql.SQL("CASE WHEN a.language = 'en' THEN {stem} ELSE {typed} END").format(
    stem=_BY_STEM, typed=_AS_TYPED
)

# Text rank x freshness (half after three days, a tenth after a month) x completeness (half to one).
_SCORE: Final = sql.SQL(
    "{rank}"
    " / (1 + greatest(extract(epoch FROM %(now)s - a.published_at), 0) / 259200.0)"
    " * (0.5 + a.completeness / 200.0)"
)
_RANK: Final = sql.SQL("ts_rank(a.search, {query})")

_ORDERS: Final = {
    "relevance": sql.SQL(
        "max(score) FILTER (WHERE place <= {ranked}) DESC NULLS LAST, max(published_at) DESC, story_id DESC"
    ).format(ranked=sql.Literal(RANKED)),
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


async def find(connection: AsyncConnection[Any], search: Search, now: datetime) -> Found:
    """One page of stories. Run it in one snapshot: it takes up to four statements."""
    values = _values(search, now)
    rows = await _page(connection, search, values, RANKED)
    # The newest 1,000 matches are not always enough for a deep page or for stories told by very many articles.
    whole = rows[0][2] < RANKED if rows else search.page == 1
    if not whole and len(rows) <= search.limit:
        rows = await _page(connection, search, values, COUNTED + 1)
    stories = [row[0] for row in rows[: search.limit]]
    total, relation = await _total(connection, search, values, rows, whole=whole)
    return Found(
        articles=await _articles(connection, search, values, stories),
        total=total,
        total_relation=relation,
        has_more=len(rows) > search.limit and (search.page + 1) * search.limit <= DEEPEST,
    )


async def _page(
    connection: AsyncConnection[Any], search: Search, values: dict[str, Any], depth: int
) -> list[tuple[int, int, int]]:
    query = _PAGE.format(
        score=_score(search),
        direction=_OLDEST_FIRST if search.sort == "oldest" else _NEWEST_FIRST,
        matches=_matches(search),
        order=_ORDERS[search.sort],
    )
    return await _rows(connection, query, {**values, "depth": depth})


async def _total(
    connection: AsyncConnection[Any],
    search: Search,
    values: dict[str, Any],
    rows: list[tuple[int, int, int]],
    *,
    whole: bool,
) -> tuple[int, Literal["eq", "gte"]]:
    if whole:
        return (rows[0][1] if rows else 0), "eq"
    [(matches, stories)] = await _rows(connection, _COUNT.format(matches=_matches(search)), values)
    return stories, "eq" if matches <= COUNTED else "gte"


async def _articles(
    connection: AsyncConnection[Any], search: Search, values: dict[str, Any], stories: list[int]
) -> list[Article]:
    if not stories:
        return []
    query = _ARTICLES.format(columns=articles.COLUMNS, matches=_matches(search), score=_score(search))
    rows = {row[12]: row for row in await _rows(connection, query, {**values, "stories": stories})}
    return await articles.with_mentions(connection, [rows[story] for story in stories])


async def _rows(connection: AsyncConnection[Any], query: sql.Composed, values: dict[str, Any]) -> list[Any]:
    # Never prepared: the right plan for a rare word is the wrong one for a common word.
    return await (await connection.execute(query, values, prepare=False)).fetchall()


def _values(search: Search, now: datetime) -> dict[str, Any]:
    return {
        "q": search.q,
        "config": regconfig(search.language),
        "now": now,
        "sources": list(search.sources or ()),
        "sentiment": search.sentiment,
        "since": search.since,
        "until": search.until,
        "language": search.language,
        "counted": COUNTED,
        "limit": search.limit,
        "offset": (search.page - 1) * search.limit,
    }


def _matches(search: Search) -> sql.Composed:
    """The WHERE clause of a search over `articles a`."""
    conditions: list[sql.Composable] = [sql.SQL("true")]
    if search.q and search.language:
        conditions.append(sql.SQL("a.search @@ ") + _IN_LANGUAGE)
    elif search.q:
        conditions.append(_ANY_LANGUAGE)
    if search.language:
        conditions.append(sql.SQL("a.language = %(language)s"))
    if search.sources:
        conditions.append(sql.SQL("a.sources && %(sources)s"))
    if search.since:
        conditions.append(sql.SQL("a.published_at >= %(since)s"))
    if search.until:
        conditions.append(sql.SQL("a.published_at < %(until)s"))
    if search.sentiment:
        conditions.append(
            sql.SQL(
                "EXISTS (SELECT FROM article_sentiments f WHERE f.article_id = a.id AND f.label = %(sentiment)s)"
            )
        )
    return sql.SQL(" AND ").join(conditions)


def _score(search: Search) -> sql.Composable:
    if not search.q:
        return _SCORE.format(rank=sql.Literal(1))
    query = _IN_LANGUAGE if search.language else _STEM_OR_TYPED
    return _SCORE.format(rank=_RANK.format(query=query))
