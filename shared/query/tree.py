"""What a query means: its syntax tree. Equal trees mean the same; where a term stood in the text is kept elsewhere."""

from collections.abc import Hashable
from typing import Literal

import msgspec

TextField = Literal["any", "title", "body", "author", "outlet"]


class Text(msgspec.Struct, frozen=True):
    """Words to be found. field: any is title or body; body is description or content.

    kind: word (what was typed without quotes), phrase (its words one after another), prefix (how a word begins,
    without the asterisk).
    """

    kind: Literal["word", "phrase", "prefix"]
    text: str
    field: TextField = "any"


class Equal(msgspec.Struct, frozen=True):
    """A value from a closed list: a source, an ISO 639-1 code, or a sentiment label."""

    field: Literal["source", "lang", "sentiment"]
    value: str


class Polarity(msgspec.Struct, frozen=True):
    """A range of polarity within -1..1; a missing bound is None, an open one does not belong to the range."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False


class Not(msgspec.Struct, frozen=True):
    child: "Node"


class And(msgspec.Struct, frozen=True):
    """All of two or more; no child is an And, and no two say the same."""

    children: tuple["Node", ...]


class Or(msgspec.Struct, frozen=True):
    """Any of two or more; no child is an Or, and no two say the same."""

    children: tuple["Node", ...]


Leaf = Text | Equal | Polarity
Node = Leaf | Not | And | Or


class Query(msgspec.Struct, frozen=True):
    """A query that was understood. places: each distinct term and where it first stood in `text`, from 0."""

    text: str
    root: Node
    places: dict[Leaf, int]


def all_of(children: list[Node]) -> Node:
    """An And without an And in it, each child once; the child itself when there is only one."""
    return _joined(And, children)


def any_of(children: list[Node]) -> Node:
    """An Or without an Or in it, each child once; the child itself when there is only one."""
    return _joined(Or, children)


def negation(child: Node) -> Node:
    """Not, without a Not of a Not."""
    return child.child if isinstance(child, Not) else Not(child)


def _joined(kind: type[And | Or], children: list[Node]) -> Node:
    flat = [part for child in children for part in (child.children if isinstance(child, kind) else (child,))]
    once: dict[Hashable, Node] = {}
    for part in flat:
        once.setdefault(_unordered(part), part)
    parts = tuple(once.values())
    return parts[0] if len(parts) == 1 else kind(parts)


def _unordered(node: Node) -> Hashable:
    """Equal for nodes that differ in nothing but the order of what AND and OR join."""
    if isinstance(node, And | Or):
        return type(node), frozenset(map(_unordered, node.children))
    return (Not, _unordered(node.child)) if isinstance(node, Not) else node
