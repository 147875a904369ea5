"""The words of a search as conditions: each article is searched with the stems of its own language."""

import itertools
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from shared.languages import REGCONFIGS, regconfig

# How each language reads the query. Most read a query alike, so that a handful of conditions remain.
_READINGS: Final = """
    SELECT websearch_to_tsquery(config::regconfig, %(q)s)::text, array_agg(language)
    FROM unnest(%(languages)s::text[], %(configs)s::text[]) AS known (language, config) GROUP BY 1
"""
# Languages without a stemmer, and articles whose language nobody could tell.
_ANY_OTHER: Final = ""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """SQL over `articles a`: the condition that an article has the words, its tsquery, and the values of both."""

    condition: sql.Composable
    tsquery: sql.Composable
    values: dict[str, Any]


async def read(connection: AsyncConnection[Any], q: str, language: str | None) -> Words:
    """The words of a search in one language, or in every language there is.

    One condition per reading keeps a NOT exact (with readings joined by OR, "war -running" would find a stemmed "run"
    through a reading that does not stem), and constants let the planner see how rare the words are.
    """
    if language is not None:
        tsquery = sql.SQL("websearch_to_tsquery(%(config)s::regconfig, %(q)s)")
        values = {"config": regconfig(language), "q": q}
        return Words(condition=sql.SQL("a.search @@ ") + tsquery, tsquery=tsquery, values=values)
    known = {**REGCONFIGS, _ANY_OTHER: regconfig(None)}
    found = await connection.execute(
        _READINGS, {"q": q, "languages": list(known), "configs": list(known.values())}
    )
    readings: dict[str, list[str]] = dict(await found.fetchall())
    default = next(text for text, languages in readings.items() if _ANY_OTHER in languages)
    return _of_readings(default, {text: each for text, each in readings.items() if text != default})


def _of_readings(default: str, stemmed: dict[str, list[str]]) -> Words:
    """default: how everything is read that is in no list of `stemmed`."""
    values: dict[str, Any] = {"reading": default, "stemmed": list(itertools.chain(*stemmed.values()))}
    other = sql.SQL("%(reading)s::tsquery")
    if not stemmed:
        return Words(condition=sql.SQL("a.search @@ ") + other, tsquery=other, values=values)
    conditions = [sql.SQL("(a.language IS NULL OR a.language <> ALL(%(stemmed)s)) AND a.search @@ ") + other]
    cases: list[sql.Composable] = []
    for number, (text, languages) in enumerate(stemmed.items()):
        values |= {f"reading_{number}": text, f"languages_{number}": languages}
        of_language = sql.SQL("a.language = ANY({})").format(sql.Placeholder(f"languages_{number}"))
        tsquery = sql.SQL("{}::tsquery").format(sql.Placeholder(f"reading_{number}"))
        conditions.append(sql.SQL("{} AND a.search @@ {}").format(of_language, tsquery))
        cases.append(sql.SQL("WHEN {} THEN {}").format(of_language, tsquery))
    return Words(
        condition=sql.SQL("({})").format(sql.SQL(" OR ").join(conditions)),
        tsquery=sql.SQL("CASE {} ELSE {} END").format(sql.SQL(" ").join(cases), other),
        values=values,
    )
