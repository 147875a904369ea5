"""Standing queries: which of the queries that have cached answers find an article that changed.

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
from shared.query.compile import COLUMNS, Compiled, compile_query
from shared.query.lexemes import RESOLVE, Lexemes, Lookup, lookups, resolve_values
from shared.query.tree import Query

# Conditions of one statement: its plan takes about as long as its execution.
_TOGETHER: Final = 100
# Most queries are about words alone and become one tsquery; these are matched all at once.
_WORDS: Final = sql.SQL("{} @@ {}::tsquery").format(COLUMNS.search, sql.Placeholder("q0"))

# What a query looks at.
_SEEN: Final = "SELECT search, author, source_name, sources, language, label, polarity FROM articles"
# All articles of the stories that changed - any of them can be what a cached answer shows or would show - and what
# they were before, which a cached answer may have counted.
_CHANGED: Final = f"""
    WITH a AS MATERIALIZED (
        {_SEEN} WHERE story_id IN (SELECT story_id FROM articles WHERE id = ANY(%(ids)s))
        UNION ALL
        SELECT * FROM json_to_recordset(%(former)s) AS former (
            search tsvector, author text, source_name text, sources text[], language text, label text, polarity real
        )
    )
"""  # noqa: S608 - constants
_FORMER: Final = f"SELECT row_to_json(former)::text FROM ({_SEEN} WHERE id = ANY(%s)) AS former"  # noqa: S608
_MATCH_WORDS: Final = sql.SQL(
    _CHANGED  # noqa: S608 - constants
    + """
    SELECT n FROM unnest(%(queries)s::text[]) WITH ORDINALITY AS asked (query, n)
    WHERE EXISTS (SELECT FROM a WHERE a.search @@ query::tsquery)
"""
)
_MATCH_ANY: Final = sql.SQL(_CHANGED + "SELECT {}")
_ONE: Final = sql.SQL("EXISTS (SELECT FROM a WHERE {})")


class _Standing(msgspec.Struct, frozen=True):
    text: str
    query: Query


def former(conn: Connection[Any], ids: Collection[int]) -> list[str]:
    """What queries see of these articles, to be asked for before they change."""
    return [row[0] for row in conn.execute(_FORMER, (list(ids),))]


def queries_matching(
    conn: Connection[Any], texts: Collection[str], ids: Collection[int], before: Collection[str] = ()
) -> list[str]:
    """Which of these canonical queries find one of these articles or another one of their stories, or found one.

    before: what `former` told of those that were there. The empty text finds all, and so does one that cannot be read:
    its answers go, which is always right.
    """
    found = [text for text in texts if _query(text) is None]
    standing = [_Standing(text, query) for text in texts if (query := _query(text)) is not None]
    known = _lexemes(conn, standing)
    changed = {"ids": list(ids), "former": f"[{','.join(before)}]"}
    words, others = [], []
    for each in standing:
        compiled = _compiled(each.query, known, "q")
        if compiled is None:
            found.append(each.text)
        elif compiled.condition.expression == _WORDS:
            words.append((each.text, compiled.condition.values["q0"]))
        else:
            others.append(each)
    return found + _matching_words(conn, words, changed) + _matching_others(conn, others, known, changed)


def _matching_words(
    conn: Connection[Any], words: Sequence[tuple[str, str]], changed: Mapping[str, Any]
) -> list[str]:
    if not words:
        return []
    values = {**changed, "queries": [query for _, query in words]}
    return [words[n - 1][0] for (n,) in conn.execute(_MATCH_WORDS, values)]


def _matching_others(
    conn: Connection[Any], others: Iterable[_Standing], known: Lexemes, changed: Mapping[str, Any]
) -> list[str]:
    found: list[str] = []
    waiting = iter(others)
    while chunk := list(islice(waiting, _TOGETHER)):
        compiled = [_compiled(each.query, known, f"n{n}_") for n, each in enumerate(chunk)]
        conditions = [each.condition for each in compiled if each]
        columns = sql.SQL(", ").join([_ONE.format(each.expression) for each in conditions])
        values = {name: value for each in conditions for name, value in each.values.items()}
        row = conn.execute(_MATCH_ANY.format(columns), {**changed, **values}).fetchone()
        found += [each.text for each, matches in zip(chunk, row or (), strict=True) if matches]
    return found


@functools.lru_cache(maxsize=20_000)
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


def _lexemes(conn: Connection[Any], standing: Iterable[_Standing]) -> Lexemes:
    """What the index knows the words of these queries as."""
    asked: list[Lookup] = sorted({lookup for each in standing for lookup in lookups(each.query.root)})
    if not asked:
        return {}
    answers = conn.execute(RESOLVE, resolve_values(asked)).fetchall()
    return {lookup: text for lookup, (text,) in zip(asked, answers, strict=True)}
