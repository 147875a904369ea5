"""Tree → one SQL condition with bound values. What is only about text becomes a single tsquery, which one index serves.

A term of common words alone ("the") is in no index: it is left out as if it were not there, and reported. A query that
has no other words is refused: whoever typed them did not ask for everything that its fields leave.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from psycopg import sql

from shared.errors import BadQueryError
from shared.query.canonical import term
from shared.query.lexemes import NAME_CONFIG, Lexemes, configs_of, is_name, narrowed, plain_tsquery, tsquery
from shared.query.tree import And, Equal, Leaf, Node, Not, Polarity, Query, Text

Hint = Callable[[Equal | Polarity], sql.Composable | None]


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Where the statement around a condition has what a query is about; SQL that we wrote, never a reader's.

    hint: for a leaf that is not about words, a condition that an index finds and that every match satisfies.
    """

    search: sql.Composable = sql.SQL("a.search")
    author: sql.Composable = sql.SQL("to_tsvector('pg_catalog.simple', news_text(coalesce(a.author, '')))")
    outlet: sql.Composable = sql.SQL("to_tsvector('pg_catalog.simple', news_text(a.source_name))")
    sources: sql.Composable = sql.SQL("a.sources")
    language: sql.Composable = sql.SQL("a.language")
    label: sql.Composable = sql.SQL("a.label")
    polarity: sql.Composable = sql.SQL("a.polarity")
    hint: Hint = lambda _: None


class Condition(msgspec.Struct, frozen=True):
    """A boolean expression and the named values in it; the names of one compilation never clash."""

    expression: sql.Composable
    values: dict[str, Any]


class Finds(msgspec.Struct, frozen=True, kw_only=True):
    """What must or may be found in a title and in a body, whatever is not denied: the tsquery of each term by itself,
    without weights.
    """

    title: tuple[str, ...] = ()
    body: tuple[str, ...] = ()


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """ranking: a tsquery of all that must or may be found, for rank; None when there is nothing. finds: the same in
    its terms, for highlights.

    ignored: terms whose words are all too common to be indexed.
    """

    condition: Condition
    ranking: str | None
    finds: Finds
    ignored: tuple[Text, ...]


# SQL itself, or a tsquery that has still to be put into it. inverse: the opposite of the tsquery.
class _Part(msgspec.Struct, frozen=True):
    condition: sql.Composable | None = None
    tsquery: str = ""
    inverse: str = ""
    # Whether it is true of an article without any words: such a tsquery makes the index read everything.
    negative: bool = False
    rank: str = ""
    finds: Finds = Finds()


COLUMNS: Final = Columns()
_NOT_TRUE: Final = sql.SQL("({}) IS NOT TRUE")


def compile_query(
    query: Query,
    lexemes: Lexemes,
    languages: Iterable[str] = (),
    *,
    columns: Columns = COLUMNS,
    prefix: str = "q",
) -> Compiled:
    """lexemes: the answers to shared.query.lexemes.lookups for the same languages; prefix: of the values' names.

    Raises BadQueryError when every word is too common, one is in some of the languages only, or a name has no words.
    """
    compiler = _Compiler(query.places, lexemes, columns, prefix)
    part = compiler.part(query.root, configs_of(languages))
    if part is None or (compiler.ignored and not compiler.searched):
        raise only_common_words(query)
    return Compiled(
        condition=Condition(compiler.rendered(part), compiler.values),
        ranking=part.rank or None,
        finds=part.finds,
        ignored=tuple(dict.fromkeys(compiler.ignored)),
    )


def compile_part(
    query: Query, node: Node, configs: tuple[str, ...], lexemes: Lexemes, *, columns: Columns, prefix: str
) -> Condition | None:
    """The condition of one part of a query by itself; None when its words are all too common."""
    compiler = _Compiler(query.places, lexemes, columns, prefix)
    part = compiler.part(node, configs)
    return Condition(compiler.rendered(part), compiler.values) if part else None


def only_common_words(query: Query) -> BadQueryError:
    return BadQueryError(
        "query_only_common_words",
        "all its words are too common to be searched for",
        "add a word that says what it is about",
        position=min(place for leaf, place in query.places.items() if _is_about_words(leaf)),
    )


def _is_about_words(leaf: Leaf) -> bool:
    return isinstance(leaf, Text) and not is_name(leaf)


class _Compiler:
    def __init__(self, places: Mapping[Leaf, int], lexemes: Lexemes, columns: Columns, prefix: str) -> None:
        self.places = places
        self.lexemes = lexemes
        self.columns = columns
        self.prefix = prefix
        self.values: dict[str, Any] = {}
        self.ignored: list[Text] = []
        self.searched = False  # whether there are words that are not ignored
        self.denied = False  # what is excluded no index finds

    def part(self, node: Node, configs: tuple[str, ...]) -> _Part | None:
        """None when nothing is left of it."""
        if isinstance(node, Text):
            return self._text(node, configs)
        if isinstance(node, Equal | Polarity):
            return _Part(condition=self._hinted(node))
        if isinstance(node, Not):
            self.denied = not self.denied
            child = self.part(node.child, configs)
            self.denied = not self.denied
            return child and self._negation(child)
        within = narrowed(node, configs)
        parts = [part for child in node.children if (part := self.part(child, within))]
        return self._joined(parts, isinstance(node, And)) if parts else None

    def rendered(self, part: _Part) -> sql.Composable:
        if part.condition is not None:
            return part.condition
        if part.negative:
            return sql.SQL("NOT {}").format(self._matches(self.columns.search, part.inverse))
        return self._matches(self.columns.search, part.tsquery)

    def _text(self, leaf: Text, configs: tuple[str, ...]) -> _Part | None:
        used = (NAME_CONFIG,) if is_name(leaf) else configs
        by_config = {config: tsquery(leaf, config, self.lexemes) for config in used}
        found = list(by_config.values())
        if not all(found):
            if is_name(leaf):
                raise self._no_name(leaf)
            self._check_common(leaf, by_config)
            self.ignored.append(leaf)
            return None
        either = " | ".join(dict.fromkeys(found))
        if is_name(leaf):
            column = self.columns.author if leaf.field == "author" else self.columns.outlet
            return _Part(condition=self._matches(column, either))
        self.searched = True
        return _Part(tsquery=either, inverse=f"!({either})", rank=either, finds=self._finds(leaf, configs))

    def _finds(self, leaf: Text, configs: tuple[str, ...]) -> Finds:
        each = tuple(dict.fromkeys(plain_tsquery(leaf, config, self.lexemes) for config in configs))
        return Finds(title=each if leaf.field != "body" else (), body=each if leaf.field != "title" else ())

    def _check_common(self, leaf: Text, by_config: dict[str, str]) -> None:
        """German "war" is a common word and English "war" is not: together, neither answer would be right."""
        stemmed = {config: found for config, found in by_config.items() if config != NAME_CONFIG}
        if not any(stemmed.values()):
            return
        common = " and ".join(config for config, found in stemmed.items() if not found)
        raise BadQueryError(
            "query_language_dependent",
            f"{term(leaf)} is too common a word in {common}, but not in the other languages of the query",
            "search in one language at a time, as in (lang:en …) OR (lang:de …)",
            position=self.places[leaf],
        )

    def _no_name(self, leaf: Text) -> BadQueryError:
        """Left out like a common word, it would be a filter that filters nothing."""
        return BadQueryError(
            "query_bad_value",
            f"there are no words in the name {term(leaf)}",
            "use words of the name",
            position=self.places[leaf],
        )

    def _negation(self, part: _Part) -> _Part:
        if part.condition is not None:
            return _Part(condition=_NOT_TRUE.format(part.condition))
        return _Part(tsquery=part.inverse, inverse=part.tsquery, negative=not part.negative)

    def _joined(self, parts: list[_Part], is_and: bool) -> _Part:
        texts = [part for part in parts if part.condition is None]
        rank = _join([part.rank for part in parts if part.rank], " & " if is_and else " | ")
        finds = _all_of(part.finds for part in parts)
        text = _Part(
            tsquery=_join([part.tsquery for part in texts], " & " if is_and else " | "),
            inverse=_join([part.inverse for part in texts], " | " if is_and else " & "),
            negative=(all if is_and else any)(part.negative for part in texts),
            rank=rank,
            finds=finds,
        )
        conditions = [part.condition for part in parts if part.condition is not None]
        if not conditions:
            return text
        rendered = [self.rendered(text), *conditions] if texts else conditions
        joined = sql.SQL(" AND " if is_and else " OR ").join(rendered)
        return _Part(condition=sql.SQL("({})").format(joined), rank=rank, finds=finds)

    def _matches(self, vector: sql.Composable, query: str) -> sql.Composable:
        return sql.SQL("{} @@ {}::tsquery").format(vector, self._value(query))

    def _hinted(self, leaf: Equal | Polarity) -> sql.Composable:
        condition = self._equal(leaf) if isinstance(leaf, Equal) else self._polarity(leaf)
        hint = None if self.denied else self.columns.hint(leaf)
        return condition if hint is None else sql.SQL("({} AND {})").format(hint, condition)

    def _equal(self, leaf: Equal) -> sql.Composable:
        if leaf.field == "source":
            return sql.SQL("{} @> ARRAY[{}]::text[]").format(self.columns.sources, self._value(leaf.value))
        column = self.columns.language if leaf.field == "lang" else self.columns.label
        return sql.SQL("{} = {}").format(column, self._value(leaf.value))

    def _polarity(self, leaf: Polarity) -> sql.Composable:
        # ::real, because that is what is stored: 0.3 as a real is a little more than 0.3 as a double.
        bounds = [
            sql.SQL(f"{{}} {sign}{'' if is_open else '='} {{}}::real").format(
                self.columns.polarity, self._value(bound)
            )
            for sign, bound, is_open in ((">", leaf.low, leaf.open_low), ("<", leaf.high, leaf.open_high))
            if bound is not None
        ]
        return sql.SQL("({})").format(sql.SQL(" AND ").join(bounds))

    def _value(self, value: str | float) -> sql.Placeholder:
        name = f"{self.prefix}{len(self.values)}"
        self.values[name] = value
        return sql.Placeholder(name)


def _join(queries: list[str], operator: str) -> str:
    return queries[0] if len(queries) == 1 else operator.join(f"({query})" for query in queries)


def _all_of(finds: Iterable[Finds]) -> Finds:
    """Each term once."""
    every = list(finds)
    return Finds(
        title=tuple(dict.fromkeys(term for each in every for term in each.title)),
        body=tuple(dict.fromkeys(term for each in every for term in each.body)),
    )
