"""What a search was understood as, how much each of its terms finds, and how much each of its filters removes."""

from typing import Any, Final, Literal

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import listing, sample
from api.queries.lexicon import lexemes
from api.queries.matching import Wanted, columns, matching, of_part
from api.queries.sample import Part
from shared.query import explain
from shared.query.canonical import canonical
from shared.query.compile import Condition
from shared.query.lexemes import lookups

# Counts stop here: an explanation costs no more than a search.
MOST: Final = 1_000
_ORIGIN: Final = sql.SQL("articles a")
_STORY: Final = sql.SQL("a.story_id")


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
    """One filter. removed: how many articles it removes of those that the filters before it have left; failing: how
    many of all that were examined it does not let pass.
    """

    filter: str
    removed: int
    failing: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """understood: query and filters in the query language; terms: those of `q`.

    examined: so many articles, the newest that the index finds by the parts in found_by (of all, without any);
    examined_relation: whether these are all of them (eq) or there are more (gte). filters: what each removes of them,
    one after another. remaining: examined less all that was removed; remaining_stories: how many stories these are,
    which is what `total` counts, of everything.
    """

    understood: str
    terms: list[TermFound]
    examined: int
    examined_relation: Literal["eq", "gte"]
    found_by: list[str]
    filters: list[Removed]
    remaining: int
    remaining_stories: int


async def explanation(connection: AsyncConnection[Any], wanted: Wanted) -> Explanation:
    extent = await listing.extent(connection)
    everything = await matching(connection, Wanted())
    whole = wanted.whole
    filters, terms, parts = _others(wanted), list[TermFound](), list[Part]()
    if whole is not None:
        known = await lexemes(connection, lookups(whole.root))
        steps = explain.steps(whole, known, columns=columns())
        if parts := sample.words(whole, steps, known):
            steps = [step for step in steps if not step.is_text]
        filters = {step.text: step.condition for step in steps} | filters
        parts += sample.names_and_kinds(whole, steps, known)
        terms = await _terms(connection, wanted, extent) if wanted.query else []
    parts += sample.picture_and_time(wanted, filters, everything)
    found = await sample.found(connection, parts or [Part(names=[], matching=everything)], extent, MOST)
    counts = await _counts(connection, found.ids, filters)
    return Explanation(
        understood=canonical(whole.root) if whole else "",
        terms=terms,
        examined=len(found.ids),
        examined_relation="eq" if found.is_all else "gte",
        found_by=found.found_by,
        filters=[
            Removed(filter=name, removed=removed, failing=failing)
            for name, removed, failing in zip(filters, counts[:-2:2], counts[1:-2:2], strict=True)
        ],
        remaining=counts[-2],
        remaining_stories=counts[-1],
    )


async def _counts(
    connection: AsyncConnection[Any], ids: list[int], filters: dict[str, Condition]
) -> list[int]:
    examined = Condition(sql.SQL("a.id = ANY(%(sample)s)"), {"sample": ids})
    counted = explain.removed(examined, _numbered(filters), _ORIGIN, _STORY, MOST)
    [row] = await listing.rows(connection, sql.Composed([counted.expression]), counted.values)
    return list(row)


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
