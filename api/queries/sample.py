"""Which articles an explanation looks at: those that the index finds by the words of a search, else by its names or by
what else it knows of articles; and when these are many, by so much of the rest as leaves few enough to see all.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import hints, listing
from api.queries.listing import Extent
from api.queries.matching import Matching, Wanted, of_part
from shared.query.compile import Condition
from shared.query.explain import Step
from shared.query.lexemes import Lexemes, is_name
from shared.query.tree import Node, Or, Query, Text, all_of

# Parts that are looked up, each with those before it. A look costs about what a page of results does.
LOOKS: Final = 5


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """ids: the newest articles that are found by all of found_by; is_all: whether there are no others."""

    ids: list[int]
    is_all: bool
    found_by: list[str]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What articles are looked up by: its names, what it asks of them, and when it asks for a time, that."""

    names: list[str]
    matching: Matching
    time: Wanted | None = None


def words(query: Query, steps: Sequence[Step], known: Lexemes) -> list[Part]:
    """Of what is about text alone. Nothing when it only says what must not occur, which no index finds."""
    texts = [step for step in steps if step.is_text]
    if not texts:
        return []
    asked = of_part(query, all_of([step.part for step in texts]), texts[0].configs, known)
    return [Part(names=[step.text for step in texts], matching=asked)] if asked.indexed else []


def names_and_kinds(query: Query, steps: Sequence[Step], known: Lexemes) -> list[Part]:
    """Of authors and outlets, which find least, then of sources, languages and tones."""
    parts = []
    for step in sorted(steps, key=lambda step: not _is_name(step.part)):
        alone = of_part(query, step.part, step.configs, known)
        if alone.indexed and not step.is_text:
            # The condition of the step: its values are called as no other's.
            parts.append(Part(names=[step.text], matching=_asking(step.condition, like=alone)))
    return parts


def picture_and_time(wanted: Wanted, filters: Mapping[str, Condition], everything: Matching) -> list[Part]:
    """filters: the conditions that `wanted` is under their parameters' names."""
    parts = []
    if wanted.has_image is not None and (hint := hints.of_image(wanted.has_image)):
        hinted = Condition(_and(hint, filters["has_image"].expression), {})
        parts.append(Part(names=["has_image"], matching=_asking(hinted, like=everything, indexed=True)))
    if bounds := [name for name in ("from", "to") if name in filters]:
        condition = Condition(
            _and(*(filters[name].expression for name in bounds)),
            {key: value for name in bounds for key, value in filters[name].values.items()},
        )
        parts.append(Part(names=bounds, matching=_asking(condition, like=everything), time=wanted))
    return parts


async def found(
    connection: AsyncConnection[Any], parts: Sequence[Part], extent: Extent | None, most: int
) -> Sample:
    """By the first part, or by as many as leave at most `most` articles; by the first alone if none are left so."""
    part = parts[0]
    first = narrower = await _look(connection, part, extent, most)
    for other in parts[1:LOOKS]:
        if narrower.is_all:
            break
        part = _both(part, other)
        narrower = await _look(connection, part, extent, most)
    return narrower if narrower.is_all and narrower.ids else first


async def _look(connection: AsyncConnection[Any], part: Part, extent: Extent | None, most: int) -> Sample:
    ids = await listing.newest(connection, part.matching, _within(extent, part.time), most + 1)
    return Sample(ids=ids[:most], is_all=len(ids) <= most, found_by=part.names)


def _within(extent: Extent | None, time: Wanted | None) -> Extent | None:
    if extent is None or time is None:
        return extent
    newest = min(extent.newest, time.until) if time.until else extent.newest
    oldest = max(extent.oldest, time.since) if time.since else extent.oldest
    return msgspec.structs.replace(extent, newest=newest, oldest=oldest) if oldest <= newest else None


def _both(one: Part, other: Part) -> Part:
    asked, more = one.matching, other.matching
    both = msgspec.structs.replace(
        asked,
        article=_and(asked.article, more.article),
        indexed=asked.indexed or more.indexed,
        prefixed=asked.prefixed or more.prefixed,
        values=asked.values | more.values,
    )
    return Part(names=one.names + other.names, matching=both, time=other.time or one.time)


def _asking(condition: Condition, *, like: Matching, indexed: bool | None = None) -> Matching:
    return msgspec.structs.replace(
        like,
        article=condition.expression,
        values=condition.values,
        indexed=like.indexed if indexed is None else indexed,
    )


def _and(*conditions: sql.Composable) -> sql.Composed:
    return sql.SQL(" AND ").join(conditions)


def _is_name(node: Node) -> bool:
    if isinstance(node, Or):
        return all(map(_is_name, node.children))
    return isinstance(node, Text) and is_name(node)
