"""More like one article: its most telling word stems, and the articles of its time that share most of them.

A stem tells much when it stands in the title or often, and is rare in the archive (the statistics that PostgreSQL
keeps for its planner say how rare). Only articles with several of them are looked at, which the search index finds
within the blocks of time around the article, so the cost does not grow with the archive.
"""

import itertools
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import articles, windows
from api.queries.articles import Article
from shared.errors import NotFoundError

# More terms find nothing better, and their combinations grow with the third power.
TERMS: Final = 10
# A stem in more than one article of twenty says nothing about what an article is about.
TOO_COMMON: Final = 0.05
# What is not among the stems of which statistics are kept is rarer than all of them.
UNKNOWN: Final = 0.0005
TITLE_WEIGHT: Final = 3
OFTEN: Final = 3  # a stem that stands more often than this tells no more
SHORTEST: Final = 3
# An article must share so many terms; the second number when that finds too few.
SHARED: Final = (3, 2)
# Candidates that are compared, the nearest in time; each costs some twenty microseconds.
CANDIDATES: Final = 400
# Candidates that are read to find these; an article of which there are more has words that say little.
READ: Final = 4_000
# 64 days, with the block before and the one after.
_BLOCK: Final = 4
# How rare stems are changes slowly.
STATISTICS_SECONDS: Final = 600


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """A word stem. weight: its share in what the article is about; all terms together make 1."""

    term: str
    weight: float


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """An article that is alike. similarity: the weight of the terms that both have, 0 to 1."""

    article: Article
    similarity: float
    shared_terms: list[str]


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """terms: what the article was found to be about."""

    article_id: int
    terms: list[Term]
    articles: list[Alike]


_OF_ARTICLE: Final = """
    SELECT a.published_at, a.story_id,
           ARRAY(SELECT lexeme FROM unnest(a.search)),
           ARRAY(SELECT cardinality(positions) FROM unnest(a.search)),
           ARRAY(SELECT 'A' = ANY(weights) FROM unnest(a.search))
    FROM articles a WHERE a.id = %s
"""

_STATISTICS: Final = """
    SELECT lexeme, frequency
    FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS known (lexeme, frequency)
    WHERE schemaname = 'public' AND tablename = 'articles' AND attname = 'search' AND lexeme IS NOT NULL
"""

# The best article of each story, without the article's own story.
_ALIKE: Final = sql.SQL("""
    SELECT similarity, shared, {columns}
    FROM (
        SELECT DISTINCT ON (c.story_id) c.id, t.similarity, t.shared
        FROM (
            SELECT * FROM (
                SELECT a.id, a.story_id, a.search, a.published_at FROM articles a
                WHERE news_blocks(a.published_at) && %(blocks)s::integer[] AND a.search @@ %(some)s::tsquery
                  AND a.story_id <> %(story)s
                LIMIT %(read)s
            ) found
            ORDER BY abs(extract(epoch FROM found.published_at - %(at)s)), found.id LIMIT %(candidates)s
        ) c, LATERAL (
            SELECT sum(weight)::double precision AS similarity, array_agg(term ORDER BY weight DESC, term) AS shared
            FROM unnest(%(queries)s::tsquery[], %(terms)s::text[], %(weights)s::double precision[])
                AS known (query, term, weight)
            WHERE c.search @@ query
        ) t
        ORDER BY c.story_id, t.similarity DESC, c.published_at DESC, c.id
    ) best
    JOIN articles a ON a.id = best.id
    LEFT JOIN article_sentiments s ON s.article_id = a.id
    ORDER BY similarity DESC, a.published_at DESC, a.id LIMIT %(limit)s
""").format(columns=articles.COLUMNS)


class _Statistics:
    """How frequent the most frequent stems are, asked again every few minutes."""

    def __init__(self) -> None:
        self._frequencies: dict[str, float] = {}
        self._until = 0.0

    async def frequencies(self, connection: AsyncConnection[Any]) -> Mapping[str, float]:
        if time.monotonic() >= self._until:
            self._frequencies = dict(await (await connection.execute(_STATISTICS)).fetchall())
            self._until = time.monotonic() + STATISTICS_SECONDS
        return self._frequencies


_statistics = _Statistics()


async def similar(connection: AsyncConnection[Any], article_id: int, limit: int) -> Similar:
    """Raises NotFoundError."""
    row = await (await connection.execute(_OF_ARTICLE, (article_id,))).fetchone()
    if row is None:
        raise NotFoundError(f"there is no article {article_id}")
    at, story, lexemes, counts, in_title = row
    terms = telling(zip(lexemes, counts, in_title, strict=True), await _statistics.frequencies(connection))
    alike: list[Alike] = []
    for needed in SHARED:
        if len(terms) >= needed and len(alike) < limit:
            alike = await _alike(connection, terms, needed, at, story, limit)
    shown = [Term(term=each.term, weight=round(each.weight, 4)) for each in terms]
    return Similar(article_id=article_id, terms=shown, articles=alike)


def telling(lexemes: Iterable[tuple[str, int | None, bool]], frequencies: Mapping[str, float]) -> list[Term]:
    """The terms of an article: of (stem, how often, whether in the title) those that say most."""
    weights = {
        lexeme: (TITLE_WEIGHT * in_title + min(count or 1, OFTEN))
        * -math.log(frequencies.get(lexeme, UNKNOWN))
        for lexeme, count, in_title in lexemes
        if len(lexeme) >= SHORTEST
        and not lexeme[0].isdigit()
        and frequencies.get(lexeme, UNKNOWN) <= TOO_COMMON
    }
    best = sorted(weights.items(), key=lambda each: (-each[1], each[0]))[:TERMS]
    total = sum(weight for _, weight in best)
    return [Term(term=lexeme, weight=weight / total) for lexeme, weight in best]


async def _alike(
    connection: AsyncConnection[Any], terms: Sequence[Term], needed: int, at: datetime, story: int, limit: int
) -> list[Alike]:
    quoted = [_quoted(each.term) for each in terms]
    values = {
        "blocks": _blocks(at),
        "some": " | ".join(" & ".join(each) for each in itertools.combinations(quoted, needed)),
        "story": story,
        "candidates": CANDIDATES,
        "read": READ,
        "at": at,
        "queries": quoted,
        "terms": [each.term for each in terms],
        "weights": [each.weight for each in terms],
        "limit": limit,
    }
    rows = await (await connection.execute(_ALIKE, values, prepare=False)).fetchall()
    found = await articles.with_mentions(connection, [row[2:] for row in rows])
    return [
        Alike(article=article, similarity=round(row[0], 4), shared_terms=row[1])
        for row, article in zip(rows, found, strict=True)
    ]


def _blocks(at: datetime) -> list[int]:
    length = windows.SMALLEST * windows.GROWTH**_BLOCK
    return [windows.block(at + step * length, _BLOCK) for step in (-1, 0, 1)]


def _quoted(lexeme: str) -> str:
    """A lexeme as a tsquery has it."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
