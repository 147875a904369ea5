"""The one query evaluator: words, "phrases", + and -, AND, OR, NOT and parentheses over whole words.

Words that stand side by side must all occur. `parse` refuses what NewsAPI refuses (`QueryError`); `parse_cleaned`
never refuses, as Reddit and the Guardian do not: it drops what it cannot read. The vendors' real ranking is not
known, so `score` only counts occurrences.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_DEPTH = 40
_TOKEN = re.compile(r'[+-]?(?:\w+:)?"[^"]*"|[()]|[+-](?=\()|[^\s()"]+|"')
_WORD = re.compile(r"\w+")
_OPERATORS = frozenset({"AND", "OR", "NOT"})

Lookup = Callable[[str | None], str]
"""Gives the folded words of one field of an item, or of all its text for None."""


class QueryError(ValueError):
    """The query cannot be read."""


@dataclass(frozen=True, slots=True)
class Term:
    """Folded words that must stand side by side; `field` limits where."""

    words: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """Everything that the part does not match."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """All parts match; with no part, everything does."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts matches."""

    parts: tuple["Node", ...]


Node = Term | Not | And | Or


def fold(text: str) -> str:
    """Lower-case words between single spaces, with a space at both ends so that whole words can be found."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def parse(query: str, fields: frozenset[str] = frozenset()) -> Node:
    """Read a query strictly; `fields` are the names allowed before a colon (`title:word`)."""
    parser = _Parser(_TOKEN.findall(query), fields)
    node = parser.either(depth=0)
    if parser.peek() is not None:
        msg = f"unexpected {parser.peek()!r}"
        raise QueryError(msg)
    return node


def parse_cleaned(query: str, fields: frozenset[str] = frozenset()) -> Node:
    """Read a query, falling back to its plain words when it is malformed."""
    try:
        return parse(query, fields)
    except QueryError:
        words = [word for word in re.split(r'[\s()"]+', query) if word and word not in _OPERATORS]
        return And(tuple(_term(word.lstrip("+-"), fields) for word in words))


def matches(node: Node, lookup: Lookup) -> bool:
    """Whether an item matches."""
    match node:
        case Term(words, field):
            return words.strip() == "" or words in lookup(field)
        case Not(part):
            return not matches(part, lookup)
        case And(parts):
            return all(matches(part, lookup) for part in parts)
        case Or(parts):
            return any(matches(part, lookup) for part in parts)


def score(node: Node, lookup: Lookup) -> int:
    """How often the wanted words occur."""
    match node:
        case Term(words, field):
            return lookup(field).count(words) if words.strip() else 0
        case Not():
            return 0
        case And(parts) | Or(parts):
            return sum(score(part, lookup) for part in parts)


def _term(text: str, fields: frozenset[str]) -> Term:
    name, colon, rest = text.partition(":")
    if colon and name.lower() in fields:
        return Term(fold(rest), name.lower())
    return Term(fold(text))


class _Parser:
    """Recursive descent over the tokens; OR binds loosest, side by side means AND."""

    def __init__(self, tokens: list[str], fields: frozenset[str]) -> None:
        self.tokens = tokens
        self.fields = fields
        self.position = 0

    def peek(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def accept(self, *wanted: str) -> bool:
        found = self.peek() in wanted
        self.position += found
        return found

    def either(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            msg = "nested too deeply"
            raise QueryError(msg)
        parts = [self.all_of(depth)]
        while self.accept("OR"):
            parts.append(self.all_of(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def all_of(self, depth: int) -> Node:
        parts = [self.one(depth)]
        while self.peek() not in {None, ")", "OR"}:
            self.accept("AND")
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self, depth: int) -> Node:
        negated = False
        while (sign := self.peek()) in {"NOT", "-", "+"}:
            self.position += 1
            negated ^= sign != "+"
        node = self.atom(depth)
        return Not(node) if negated else node

    def atom(self, depth: int) -> Node:
        word = self.peek()
        if word is None or word in {")", "AND", "OR", '"'}:
            msg = f"a word is missing before {word or 'the end'!r}"
            raise QueryError(msg)
        self.position += 1
        if word == "(":
            node = self.either(depth + 1)
            if not self.accept(")"):
                msg = "a parenthesis is not closed"
                raise QueryError(msg)
            return node
        term = _term(word.lstrip("+-"), self.fields)
        return Not(term) if word.startswith("-") else term
