"""Standing queries: which of the queries that have cached answers find an article that changed, in their time.

A query is compiled by the same code as in a search of the api, so a cached answer never misses an article.
"""

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from psycopg import Connection, sql

from shared.errors import BadQueryError
from shared.query import parser
from shared.query.compile import COLUMNS, Compiled, Condition, compile_query
from shared.query.lexemes import RESOLVE, Lexemes, Lookup, lookups, resolve_values
from shared.query.standing import Standing, of_entry
from shared.query.tree import Query

# Conditions of one statement: its plan takes about as long as its execution.
_TOGETHER: Final = 100
# Most queries are about words alone and become one tsquery; these are matched all at once.
_WORDS: Final = sql.SQL("{} @@ {}::tsquery").format(COLUMNS.search, sql.Placeholder("q0"))

# What a standing query looks at.
_SEEN: Final = (
    "SELECT search, author, source_name, sources, language, label, polarity, published_at,"
    " image_url IS NOT NULL AS has_image FROM articles"
)
# All articles of the stories that changed - any of them can be what a cached answer shows or would show - and what
# they were before, which a cached answer may have counted.
_CHANGED: Final = f"""
    WITH a AS MATERIALIZED (
        {_SEEN} WHERE story_id IN (SELECT story_id FROM articles WHERE id = ANY(%(ids)s))
        UNION ALL
        SELECT * FROM json_to_recordset(%(former)s) AS former (
            search tsvector, author text, source_name text, sources text[], language text, label text, polarity real,
            published_at timestamptz, has_image boolean
        )
    )
"""  # noqa: S608 - constants
_FORMER: Final = f"SELECT row_to_json(former)::text FROM ({_SEEN} WHERE id = ANY(%s)) AS former"  # noqa: S608
# Without a query: whatever is within the bounds.
_MATCH_WORDS: Final = sql.SQL(
    _CHANGED  # noqa: S608 - constants
    + """
    SELECT n FROM unnest(
        %(queries)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(has_image)s::boolean[]
    ) WITH ORDINALITY AS asked (query, since, until, has_image, n)
    WHERE EXISTS (
        SELECT FROM a
        WHERE (asked.query IS NULL OR a.search @@ asked.query::tsquery)
          AND (asked.since IS NULL OR a.published_at >= asked.since)
          AND (asked.until IS NULL OR a.published_at < asked.until)
          AND (asked.has_image IS NULL OR a.has_image = asked.has_image)
    )
"""
)
_MATCH_ANY: Final = sql.SQL(_CHANGED + "SELECT {}")
_ONE: Final = sql.SQL("EXISTS (SELECT FROM a WHERE {})")
_BOUNDS: Final = {
    "since": sql.SQL("a.published_at >= {}"),
    "until": sql.SQL("a.published_at < {}"),
    "has_image": sql.SQL("a.has_image = {}"),
}


class _Standing(msgspec.Struct, frozen=True):
    """query: None for what finds everything within its bounds."""

    entry: str
    asked: Standing
    query: Query | None


def former(conn: Connection[Any], ids: Collection[int]) -> list[str]:
    """What queries see of these articles, to be asked for before they change."""
    return [row[0] for row in conn.execute(_FORMER, (list(ids),))]


def queries_matching(
    conn: Connection[Any], entries: Collection[str], ids: Collection[int], before: Collection[str] = ()
) -> list[str]:
    """Which of these entries stand for a query that finds one of these articles or another one of their stories, or
    found one.

    before: what `former` told of those that were there. The empty entry finds all, and so does a query that cannot be
    read: its answers go, which is always right.
    """
    standing = [_standing(entry) for entry in entries]
    found = [each.entry for each in standing if each.query is None and not each.asked.bounded]
    known = _lexemes(conn, [each.query for each in standing if each.query])
    changed = {"ids": list(ids), "former": f"[{','.join(before)}]"}
    words: list[tuple[_Standing, str | None]] = []
    others: list[_Standing] = []
    for each in standing:
        if each.query is None:
            if each.asked.bounded:
                words.append((each, None))
            continue
        compiled = _compiled(each.query, known, "q")
        if compiled is None:
            found.append(each.entry)
        elif compiled.condition.expression == _WORDS:
            words.append((each, compiled.condition.values["q0"]))
        else:
            others.append(each)
    return found + _matching_words(conn, words, changed) + _matching_others(conn, others, known, changed)


def _matching_words(
    conn: Connection[Any], words: Sequence[tuple[_Standing, str | None]], changed: Mapping[str, Any]
) -> list[str]:
    if not words:
        return []
    bounds = {name: [getattr(each.asked, name) for each, _ in words] for name in _BOUNDS}
    values = {**changed, **bounds, "queries": [query for _, query in words]}
    return [words[n - 1][0].entry for (n,) in conn.execute(_MATCH_WORDS, values)]


def _matching_others(
    conn: Connection[Any], others: Iterable[_Standing], known: Lexemes, changed: Mapping[str, Any]
) -> list[str]:
    found: list[str] = []
    waiting = iter(others)
    while chunk := list(islice(waiting, _TOGETHER)):
        conditions = [_condition(each, known, f"n{n}_") for n, each in enumerate(chunk)]
        columns = sql.SQL(", ").join([_ONE.format(each.expression) for each in conditions])
        values = {name: value for each in conditions for name, value in each.values.items()}
        row = conn.execute(_MATCH_ANY.format(columns), {**changed, **values}).fetchone()
        found += [each.entry for each, matches in zip(chunk, row or (), strict=True) if matches]
    return found


def _condition(standing: _Standing, known: Lexemes, prefix: str) -> Condition:
    """Of a query that could be compiled, within its bounds."""
    assert standing.query is not None  # noqa: S101 - the caller has looked
    asked = compile_query(standing.query, known, prefix=prefix).condition
    expressions, values = [sql.SQL("({})").format(asked.expression)], dict(asked.values)
    for name, bound in _BOUNDS.items():
        if (value := getattr(standing.asked, name)) is not None:
            expressions.append(bound.format(sql.Placeholder(prefix + name)))
            values[prefix + name] = value
    return Condition(sql.SQL(" AND ").join(expressions), values)


@functools.lru_cache(maxsize=20_000)
def _standing(entry: str) -> _Standing:
    asked = of_entry(entry)
    return _Standing(entry, asked, _query(asked.text))


def _query(text: str) -> Query | None:
    """None for what finds everything."""
    try:
        return parser.parse(text) if text else None
    except BadQueryError:  # query and filters together may be longer than a query may be
        return None


def _compiled(query: Query, known: Lexemes, prefix: str) -> Compiled | None:
    try:
        return compile_query(query, known, prefix=prefix)
    except BadQueryError:
        return None


def _lexemes(conn: Connection[Any], queries: Iterable[Query]) -> Lexemes:
    """What the index knows the words of these queries as."""
    asked: list[Lookup] = sorted({lookup for query in queries for lookup in lookups(query.root)})
    if not asked:
        return {}
    answers = conn.execute(RESOLVE, resolve_values(asked)).fetchall()
    return {lookup: text for lookup, (text,) in zip(asked, answers, strict=True)}
