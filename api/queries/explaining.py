"""What a search was understood as, how much each of its terms finds, and how much each of its filters removes."""

from typing import Any, Final, Literal

import msgspec
from psycopg import AsyncConnection, sql

from api.queries.lexicon import lexemes
from api.queries.matching import Wanted, columns
from shared.query import explain
from shared.query.canonical import canonical
from shared.query.compile import Condition
from shared.query.lexemes import lookups

# Counts stop here: an explanation costs no more than a search.
MOST: Final = 1_000
_ORIGIN: Final = sql.SQL("articles a")
_EVERYTHING: Final = Condition(sql.SQL("true"), {})


class TermFound(msgspec.Struct, frozen=True, kw_only=True):
    """One term. position: where it first stands in `q`, in characters from 0; words: as the index knows it, by
    language configuration; ignored: its words are too common to be searched for; articles: that have it, by itself.
    """

    term: str
    field: str
    position: int
    words: dict[str, list[str]]
    ignored: bool
    articles: int
    articles_relation: Literal["eq", "gte"]
    note: str | msgspec.UnsetType = msgspec.UNSET


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """One filter and how many articles it alone removes: they satisfy everything else."""

    filter: str
    removed: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """understood: query and filters in the query language. filters: of the first `examined` articles with the words."""

    understood: str
    terms: list[TermFound]
    filters: list[Removed]
    examined: int
    remaining: int


async def explanation(connection: AsyncConnection[Any], wanted: Wanted) -> Explanation:
    # LIMIT makes reading the table from its beginning look cheap, whatever it is that has to be found.
    await connection.execute("SET LOCAL enable_seqscan = off")
    whole = wanted.whole
    if whole is None:
        text, filters = _EVERYTHING, _others(wanted)
        terms: list[TermFound] = []
    else:
        known = await lexemes(connection, lookups(whole.root))
        steps = explain.steps(whole, known, columns=columns())
        text = _all([step.condition for step in steps if step.is_text])
        filters = {step.text: step.condition for step in steps if not step.is_text} | _others(wanted)
        terms = await _terms(connection, wanted) if wanted.query else []
    counted = explain.removed(text, _numbered(filters), _ORIGIN, MOST)
    *removed, kept = await _row(connection, counted)
    examined = await _row(connection, explain.removed(text, {}, _ORIGIN, MOST))
    return Explanation(
        understood=canonical(whole.root) if whole else "",
        terms=terms,
        filters=[Removed(filter=name, removed=n) for name, n in zip(filters, removed, strict=True)],
        examined=examined[0],
        remaining=kept,
    )


async def _terms(connection: AsyncConnection[Any], wanted: Wanted) -> list[TermFound]:
    assert wanted.query is not None  # noqa: S101 - the caller has looked
    known = await lexemes(connection, lookups(wanted.query.root, wanted.languages))
    terms = explain.terms(wanted.query, known, wanted.languages, columns=columns())
    conditions = {f"t{n}": term.condition for n, term in enumerate(terms) if term.condition}
    counts: dict[str, int] = {}
    if conditions:
        found = await _row(connection, explain.hits(conditions, _ORIGIN, MOST + 1))
        counts = dict(zip(conditions, found, strict=True))
    return [_term(term, counts.get(f"t{n}", 0)) for n, term in enumerate(terms)]


def _term(term: explain.Term, count: int) -> TermFound:
    return TermFound(
        term=term.text,
        field=term.field,
        position=term.position,
        words=term.words,
        ignored=term.ignored,
        articles=min(count, MOST),
        articles_relation="gte" if count > MOST else "eq",
        note=term.note or msgspec.UNSET,
    )


def _others(wanted: Wanted) -> dict[str, Condition]:
    found = {}
    if wanted.since is not None:
        found["from"] = Condition(sql.SQL("a.published_at >= %(since)s"), {"since": wanted.since})
    if wanted.until is not None:
        found["to"] = Condition(sql.SQL("a.published_at < %(until)s"), {"until": wanted.until})
    if wanted.has_image is not None:
        has = sql.SQL("(a.image_url IS NOT NULL) = {}").format(sql.Literal(wanted.has_image))
        found["has_image"] = Condition(has, {})
    if wanted.hidden:
        visible = sql.SQL("lower(a.source_name) <> ALL(%(hidden)s)")
        found["outlets_hidden"] = Condition(visible, {"hidden": list(wanted.hidden)})
    return found


def _numbered(filters: dict[str, Condition]) -> dict[str, Condition]:
    """Under short names: PostgreSQL cuts a column's name at 63 bytes."""
    return {f"f{n}": condition for n, condition in enumerate(filters.values())}


def _all(conditions: list[Condition]) -> Condition:
    if not conditions:
        return _EVERYTHING
    values = {name: value for each in conditions for name, value in each.values.items()}
    return Condition(sql.SQL(" AND ").join([each.expression for each in conditions]), values)


async def _row(connection: AsyncConnection[Any], statement: Condition) -> tuple[int, ...]:
    query = sql.Composed([statement.expression])
    row = await (await connection.execute(query, statement.values, prepare=False)).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return tuple(row)
