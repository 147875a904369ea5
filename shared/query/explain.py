"""What a query was understood as, and the counts that show which of its parts finds or removes how much."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from psycopg import sql

from shared.query.canonical import canonical, term
from shared.query.compile import COLUMNS, Columns, Condition, compile_part
from shared.query.lexemes import (
    NAME_CONFIG,
    Lexemes,
    Lookup,
    configs_of,
    is_name,
    narrowed,
    tsquery,
    words_of,
)
from shared.query.lexemes import lookups as search_lookups
from shared.query.tree import And, Leaf, Node, Not, Or, Query, Text

# An operator that was typed in lower case is a word; whoever meant the operator is told so.
_LOOKALIKES: Final = {"and": "AND", "or": "OR", "not": "NOT"}


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One distinct term. position: where it first stands, from 0; words: as the index knows it, by configuration.

    configs: that it is searched with; condition: of its hits by itself, None when it is ignored, because its words are
    too common.
    """

    leaf: Leaf
    configs: tuple[str, ...]
    text: str
    field: str
    position: int
    words: dict[str, list[str]]
    ignored: bool
    condition: Condition | None
    note: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One part that every result must satisfy. configs: that it is searched with; is_text: whether it is only about
    words, so that the index finds it.
    """

    part: Node
    configs: tuple[str, ...]
    text: str
    is_text: bool
    condition: Condition


def lookups(query: Query, languages: Iterable[str] = ()) -> set[Lookup]:
    """Everything that `terms` needs to know about a query: of a phrase, each of its words too."""
    words = {
        (config, word)
        for leaf, configs in _scopes(query.root, configs_of(languages)).items()
        if isinstance(leaf, Text) and leaf.kind == "phrase"
        for config in _used(leaf, configs)
        for word in leaf.text.split()
    }
    return words | search_lookups(query.root, languages)


def terms(
    query: Query, lexemes: Lexemes, languages: Iterable[str] = (), *, columns: Columns = COLUMNS
) -> list[Term]:
    """The terms of a query in their order."""
    scopes = _scopes(query.root, configs_of(languages))
    return [
        _term(query, leaf, scopes[leaf], lexemes, columns, f"t{number}_")
        for number, leaf in enumerate(query.places)
    ]


def steps(query: Query, lexemes: Lexemes, *, columns: Columns = COLUMNS) -> list[Step]:
    """What the outermost AND joins, or the whole query; parts that are ignored are left out."""
    configs = configs_of(())
    root = query.root
    parts = root.children if isinstance(root, And) else (root,)
    within = narrowed(root, configs) if isinstance(root, And) else configs
    conditions = (
        (part, _condition(query, part, within, lexemes, columns, f"s{n}_")) for n, part in enumerate(parts)
    )
    return [
        Step(part=part, configs=within, text=canonical(part), is_text=_is_text(part), condition=condition)
        for part, condition in conditions
        if condition
    ]


def removed(
    found: Condition,
    filters: Mapping[str, Condition],
    origin: sql.Composable,
    story: sql.Composable,
    most: int,
) -> Condition:
    """A statement of one row: what the filters, one after another, do to the `most` first rows that satisfy `found`.

    Two columns for each filter: how many rows it removes of those that the filters before it have left, and how many
    do not satisfy it at all. Then how many satisfy all of them, and of how many stories these are.
    """
    flags = [
        sql.SQL("({}) IS TRUE AS {}").format(each.expression, sql.Identifier(name))
        for name, each in filters.items()
    ]
    counts: list[sql.Composable] = []
    passed: list[sql.Composable] = [sql.SQL("true")]
    for name in map(sql.Identifier, filters):
        fails = sql.SQL("NOT {}").format(name)
        counts += [_count([*passed, fails]), _count([fails])]
        passed.append(name)
    stories = sql.SQL("count(DISTINCT story) FILTER (WHERE {})").format(sql.SQL(" AND ").join(passed))
    statement = sql.SQL("SELECT {} FROM (SELECT {} FROM {} WHERE {} LIMIT {}) found").format(
        sql.SQL(", ").join([*counts, _count(passed), stories]),
        sql.SQL(", ").join([*flags, sql.SQL("{} AS story").format(story)]),
        origin,
        found.expression,
        sql.Literal(most),
    )
    return Condition(statement, {**found.values, **_values(filters.values())})


def _count(conditions: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL("count(*) FILTER (WHERE {})").format(sql.SQL(" AND ").join(conditions))


def _values(conditions: Iterable[Condition]) -> dict[str, Any]:
    return {name: value for condition in conditions for name, value in condition.values.items()}


def _term(
    query: Query, leaf: Leaf, configs: tuple[str, ...], lexemes: Lexemes, columns: Columns, prefix: str
) -> Term:
    condition = _condition(query, leaf, configs, lexemes, columns, prefix)
    return Term(
        leaf=leaf,
        configs=configs,
        text=term(leaf),
        field=leaf.field if isinstance(leaf, Text) else getattr(leaf, "field", "sentiment"),
        position=query.places[leaf],
        words=_words(leaf, configs, lexemes) if isinstance(leaf, Text) else {},
        ignored=condition is None,
        condition=condition,
        note=_lookalike(leaf) or (_not_compared(leaf, configs, lexemes) if condition else None),
    )


def _used(leaf: Text, configs: tuple[str, ...]) -> tuple[str, ...]:
    return (NAME_CONFIG,) if is_name(leaf) else configs


def _words(leaf: Text, configs: tuple[str, ...], lexemes: Lexemes) -> dict[str, list[str]]:
    return {config: words_of(tsquery(leaf, config, lexemes)) for config in _used(leaf, configs)}


def _lookalike(leaf: Leaf) -> str | None:
    if not isinstance(leaf, Text) or leaf.kind != "word" or leaf.text not in _LOOKALIKES:
        return None
    return f"{leaf.text} is read as a word; the operator is written {_LOOKALIKES[leaf.text]}"


def _not_compared(leaf: Leaf, configs: tuple[str, ...], lexemes: Lexemes) -> str | None:
    if not isinstance(leaf, Text) or leaf.kind != "phrase":
        return None
    used = _used(leaf, configs)
    words = [word for word in leaf.text.split() if not all(lexemes[config, word] for config in used)]
    return f"compared without words that are too common to be indexed: {', '.join(words)}" if words else None


def _condition(
    query: Query, node: Node, configs: tuple[str, ...], lexemes: Lexemes, columns: Columns, prefix: str
) -> Condition | None:
    return compile_part(query, node, configs, lexemes, columns=columns, prefix=prefix)


def _scopes(node: Node, configs: tuple[str, ...]) -> dict[Leaf, tuple[str, ...]]:
    """The configurations that each term is searched with, where it first stands."""
    if isinstance(node, Not):
        return _scopes(node.child, configs)
    if not isinstance(node, And | Or):
        return {node: configs}
    found: dict[Leaf, tuple[str, ...]] = {}
    for child in node.children:
        found = {**_scopes(child, narrowed(node, configs)), **found}
    return found


def _is_text(node: Node) -> bool:
    if isinstance(node, And | Or):
        return all(_is_text(child) for child in node.children)
    if isinstance(node, Not):
        return _is_text(node.child)
    return isinstance(node, Text) and not is_name(node)
