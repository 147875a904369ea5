"""What a search was understood as, how much each of its terms finds, and how much each of its filters removes."""

from typing import Any, Final, Literal

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import listing
from api.queries.lexicon import lexemes
from api.queries.matching import Wanted, columns, matching, of_part
from shared.query import explain
from shared.query.canonical import canonical
from shared.query.compile import Condition
from shared.query.lexemes import lookups
from shared.query.tree import all_of

# Counts stop here: an explanation costs no more than a search.
MOST: Final = 1_000
_ORIGIN: Final = sql.SQL("articles a")


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
    """understood: query and filters in the query language.

    filters: what each removes of the newest `examined` articles that have the words.
    """

    understood: str
    terms: list[TermFound]
    filters: list[Removed]
    examined: int
    remaining: int


async def explanation(connection: AsyncConnection[Any], wanted: Wanted) -> Explanation:
    extent = await listing.extent(connection)
    whole = wanted.whole
    filters, terms = _others(wanted), list[TermFound]()
    found = await matching(connection, Wanted())
    if whole is not None:
        known = await lexemes(connection, lookups(whole.root))
        steps = explain.steps(whole, known, columns=columns())
        if words := [step for step in steps if step.is_text]:
            found = of_part(whole, all_of([step.part for step in words]), words[0].configs, known)
        filters = {step.text: step.condition for step in steps if not step.is_text} | filters
        terms = await _terms(connection, wanted, extent) if wanted.query else []
    examined = await listing.newest(connection, found, extent, MOST)
    sample = Condition(sql.SQL("a.id = ANY(%(sample)s)"), {"sample": examined})
    counted = explain.removed(sample, _numbered(filters), _ORIGIN, MOST)
    query = sql.Composed([counted.expression])
    [[*removed, kept]] = await listing.rows(connection, query, counted.values)
    return Explanation(
        understood=canonical(whole.root) if whole else "",
        terms=terms,
        filters=[Removed(filter=name, removed=n) for name, n in zip(filters, removed, strict=True)],
        examined=len(examined),
        remaining=kept,
    )


async def _terms(
    connection: AsyncConnection[Any], wanted: Wanted, extent: listing.Extent | None
) -> list[TermFound]:
    assert wanted.query is not None  # noqa: S101 - the caller has looked
    known = await lexemes(connection, explain.lookups(wanted.query, wanted.languages))
    found = []
    for term in explain.terms(wanted.query, known, wanted.languages, columns=columns()):
        count = 0
        if not term.ignored:
            alone = of_part(wanted.query, term.leaf, term.configs, known)
            count = len(await listing.newest(connection, alone, extent, MOST + 1))
        found.append(_term(term, count))
    return found


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
