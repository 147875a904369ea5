"""The meaning of a query once more, in plain Python over rows: slow, obvious, and without a tsquery.

PostgreSQL lends its stems (to_tsvector of single texts) and the words of each row with their positions; what AND, OR,
NOT, phrases, prefixes, fields and too common words mean is decided here, apart from shared.query.compile.
"""

import functools
import re
import struct
from collections.abc import Iterable

import msgspec

from shared.languages import regconfig
from shared.query.tree import And, Equal, Node, Not, Or, Polarity, Text

_LEXEME = re.compile(r"'((?:[^']|'')*)':([0-9A-D,]+)")
_NAME = re.compile(r"[^\W_]+(?:\.[^\W_]+)*")
_WEIGHTS = {"any": "ABC", "title": "A", "body": "BC"}

Vector = dict[str, list[tuple[int, str]]]  # word → its positions, each with its weight


class Row(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    search: str
    author: str | None
    outlet: str
    sources: list[str]
    language: str | None
    label: str | None
    polarity: float | None

    @property
    def words(self) -> Vector:
        return vector(self.search)


def vector(text: str) -> Vector:
    """A tsvector as PostgreSQL writes it."""
    return {
        word.replace("''", "'"): [
            (int(each.rstrip("ABCD")), each.lstrip("0123456789")) for each in places.split(",")
        ]
        for word, places in _LEXEME.findall(text)
    }


class LanguageDependentError(Exception):
    """A word is too common in one language of the query and not in another."""


class BruteForce:
    """stems: (config, text) → to_tsvector of it; english: the words that a prefix may begin; elsewhere it is a word."""

    def __init__(self, rows: Iterable[Row], stems: dict[tuple[str, str], str], english: list[str]) -> None:
        self.rows = [(row, row.words) for row in rows]
        self.stems = {key: vector(text) for key, text in stems.items()}
        self.english = english
        self.begun = functools.cache(self._begun)
        self.compared: list[bool] = []  # whether a term that is about words was, or is too common

    def find(self, root: Node, languages: Iterable[str]) -> set[int] | None:
        """The ids that match; None when there are only words that are too common, in all languages or in some."""
        configs = self._configs(languages)
        try:
            return self._find(root, configs)
        except LanguageDependentError:
            return None

    def _find(self, root: Node, configs: list[str]) -> set[int] | None:
        self.compared.clear()
        found = [(row.id, self._holds(root, row, words, configs)) for row, words in self.rows]
        if self.compared and not any(self.compared):
            return None
        return {row_id for row_id, holds in found if holds}

    def _configs(self, languages: Iterable[str]) -> list[str]:
        return list({regconfig(language) for language in languages}) or ["english", "simple"]

    def _holds(self, node: Node, row: Row, words: Vector, configs: list[str]) -> bool | None:
        """None for what is ignored."""
        if isinstance(node, Not):
            child = self._holds(node.child, row, words, configs)
            return None if child is None else not child
        if isinstance(node, And | Or):
            if isinstance(node, And) and (languages := self._demanded(node)):
                demanded = self._configs(languages)
                both = [config for config in demanded if config in configs]
                configs = both if both and set(configs) != {"english", "simple"} else demanded
            all_parts = [self._holds(child, row, words, configs) for child in node.children]
            parts = [part for part in all_parts if part is not None]
            return (all(parts) if isinstance(node, And) else any(parts)) if parts else None
        return self._leaf(node, row, words, configs)

    def _demanded(self, node: And) -> set[str]:
        every = []
        for child in node.children:
            parts = child.children if isinstance(child, Or) else (child,)
            if all(isinstance(part, Equal) and part.field == "lang" for part in parts):
                every.append({part.value for part in parts})
        return (set.intersection(*every) or set.union(*every)) if every else set()

    def _leaf(self, leaf: Node, row: Row, words: Vector, configs: list[str]) -> bool | None:
        if isinstance(leaf, Equal):
            values = {"source": row.sources, "lang": [row.language], "sentiment": [row.label]}[leaf.field]
            return leaf.value in values
        if isinstance(leaf, Polarity):
            return _within(leaf, row.polarity)
        assert isinstance(leaf, Text)
        if leaf.field in ("author", "outlet"):
            return _named(leaf, (row.author or "") if leaf.field == "author" else row.outlet)
        if leaf.kind == "prefix":
            self.compared.append(True)
            return any(self._begins(leaf, words, config) for config in configs)
        wanted = [self.stems[config, leaf.text] for config in configs]
        stemmed = [bool(self.stems[config, leaf.text]) for config in configs if config != "simple"]
        if any(stemmed) and not all(stemmed):
            raise LanguageDependentError
        self.compared.append(all(wanted))
        return any(_occurs(each, words, _WEIGHTS[leaf.field]) for each in wanted) if all(wanted) else None

    def _begins(self, leaf: Text, words: Vector, config: str) -> bool:
        stems = self.begun(leaf.text, config)
        return any(
            weight in _WEIGHTS[leaf.field]
            for word, places in words.items()
            if word.startswith(leaf.text) or word in stems
            for _, weight in places
        )

    def _begun(self, prefix: str, config: str) -> set[str]:
        beginning = [word for word in self.english if word.startswith(prefix)]
        words = beginning if config == "english" else [prefix]
        return {stem for word in words for stem in self.stems[config, word]}


def _occurs(wanted: Vector, words: Vector, weights: str) -> bool:
    """Whether the wanted words stand at the same distances from one another, all in one part of the article."""
    offsets = sorted((position, word) for word, places in wanted.items() for position, _ in places)
    first, start = offsets[0][1], offsets[0][0]
    return any(
        all((place + position - start, weight) in words.get(word, []) for position, word in offsets)
        for place, weight in words.get(first, [])
        if weight in weights
    )


def _named(leaf: Text, name: str) -> bool:
    wanted = _NAME.findall(leaf.text)
    names = _NAME.findall(name.lower())
    if leaf.kind == "prefix":
        return any(each.startswith(leaf.text) for each in names)
    return any(names[start : start + len(wanted)] == wanted for start in range(len(names)))


def _within(leaf: Polarity, stored: float | None) -> bool:
    if stored is None:
        return False
    low, high, polarity = (_real(number) for number in (leaf.low, leaf.high, stored))
    above = low is None or polarity > low or (polarity == low and not leaf.open_low)
    below = high is None or polarity < high or (polarity == high and not leaf.open_high)
    return above and below


def _real(number: float | None) -> float | None:
    """As PostgreSQL stores it: in four bytes."""
    return None if number is None else struct.unpack("f", struct.pack("f", number))[0]
