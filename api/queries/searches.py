"""What many people search for. Nothing is told that fewer than a handful of people searched for.

A person is a signed-in user, or one search that nobody signed in for: the api records a search of one address once a
week, the longest span, however often it is repeated (api.repeats).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

import msgspec
from psycopg import AsyncConnection

# k-anonymity: a query that fewer people searched for is nobody's business but theirs.
FEWEST_PEOPLE: Final = 5
RELATED_SPAN: Final = timedelta(days=7)
# Two searches of one person belong together when they are so close.
TOGETHER: Final = timedelta(minutes=30)


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """A query. people: who searched for it within the span; before: in the span before that; results: the last time."""

    query: str
    people: int
    before: int
    results: int
    last_searched_at: datetime


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """A query beside another one. shared_words: stems that both have; together: people who searched for both."""

    query: str
    people: int
    shared_words: list[str]
    together: int


# Growth counts as much as size: what is always searched for is no trend.
_TRENDING: Final = """
    SELECT query, people, before, results, last
    FROM (
        SELECT query,
               count(DISTINCT coalesce(user_id::text, id::text)) FILTER (WHERE searched_at >= %(since)s) AS people,
               count(DISTINCT coalesce(user_id::text, id::text)) FILTER (WHERE searched_at < %(since)s) AS before,
               (array_agg(results_count ORDER BY searched_at DESC))[1] AS results, max(searched_at) AS last
        FROM search_history WHERE searched_at >= %(before)s AND searched_at <= %(now)s
        GROUP BY query
    ) counted
    WHERE people >= %(fewest)s
    ORDER BY ln(1 + people) * people / (people + before) DESC, people DESC, query LIMIT %(limit)s
"""

_RELATED: Final = """
    WITH recent AS MATERIALIZED (
        SELECT query, user_id, id, searched_at FROM search_history WHERE searched_at BETWEEN %(since)s AND %(now)s
    ), known AS (
        SELECT query, count(DISTINCT coalesce(user_id::text, id::text)) AS people
        FROM recent WHERE query <> %(q)s GROUP BY query
        HAVING count(DISTINCT coalesce(user_id::text, id::text)) >= %(fewest)s
    ), both_searched AS (
        SELECT other.query, count(DISTINCT mine.user_id) AS together
        FROM recent mine JOIN recent other USING (user_id)
        WHERE mine.query = %(q)s AND other.query <> mine.query
          AND other.searched_at BETWEEN mine.searched_at - %(apart)s AND mine.searched_at + %(apart)s
        GROUP BY other.query HAVING count(DISTINCT mine.user_id) >= %(fewest)s
    )
    SELECT k.query, k.people, shared.words, coalesce(b.together, 0)
    FROM known k LEFT JOIN both_searched b USING (query), LATERAL (
        SELECT ARRAY(
            SELECT unnest(tsvector_to_array(to_tsvector('pg_catalog.english', news_text(k.query))))
            INTERSECT SELECT unnest(tsvector_to_array(to_tsvector('pg_catalog.english', news_text(%(q)s)))) ORDER BY 1
        ) AS words
    ) shared
    WHERE cardinality(shared.words) > 0 OR b.together IS NOT NULL
    ORDER BY coalesce(b.together, 0) DESC, cardinality(shared.words) DESC, k.people DESC, k.query LIMIT %(limit)s
"""


async def trending(
    connection: AsyncConnection[Any], now: datetime, span: timedelta, limit: int
) -> list[Trend]:
    """Queries that people search for more than before, the most telling first."""
    values = {
        "now": now,
        "since": now - span,
        "before": now - 2 * span,
        "fewest": FEWEST_PEOPLE,
        "limit": limit,
    }
    return [_trend(row) for row in await _rows(connection, _TRENDING, values)]


async def related(connection: AsyncConnection[Any], q: str, now: datetime, limit: int) -> list[Related]:
    """Queries that share words with a canonical one, or that the same people searched for at the same time."""
    values = {
        "q": q,
        "now": now,
        "since": now - RELATED_SPAN,
        "apart": TOGETHER,
        "fewest": FEWEST_PEOPLE,
        "limit": limit,
    }
    rows = await _rows(connection, _RELATED, values)
    return [Related(**dict(zip(Related.__struct_fields__, row, strict=True))) for row in rows]


def _trend(row: Sequence[Any]) -> Trend:
    return Trend(**dict(zip(Trend.__struct_fields__, row, strict=True)))


async def _rows(
    connection: AsyncConnection[Any], statement: LiteralString, values: dict[str, Any]
) -> list[Any]:
    return await (await connection.execute(statement, values)).fetchall()
