"""What a search may ask for, and how its parameters become one query: for lists, trends, feeds alike."""

import re
from datetime import datetime
from typing import Any, Final

import msgspec

from api.kinds import Choice, Decimal, Flag, Language, Moment, Names, QueryText, quoted
from api.params import Parameter, parse
from api.queries.matching import Wanted
from shared.errors import BadParameterError, BadQueryError
from shared.query import parser
from shared.query.canonical import cache_text, canonical
from shared.query.fields import LABELS
from shared.query.limits import MAX_CHARACTERS
from shared.query.standing import Standing
from shared.query.tokens import QUOTES
from shared.query.tree import And, Equal, Leaf, Node, Not, Or, Polarity, Query, Text, all_of, any_of
from shared.sources import SOURCES

QUERY: Final = Parameter(
    name="q",
    kind=QueryText(longest=MAX_CHARACTERS),
    description=(
        'Words that must occur, `"a phrase"`, `prefix*`, `AND`, `OR`, `NOT` or `-word`, parentheses, and the fields '
        "`title:` `body:` `author:` `outlet:` `source:` `lang:` `sentiment:positive` `sentiment:>0.3`. Words joined "
        "by a slash or by a hyphen, as in `covid-19`, must stand side by side. A phrase is "
        'compared without words that are too common to be indexed: `"vitamin a"` finds "vitamin D" too; a query that '
        "has no other words is refused, whatever stands beside them. A query that cannot be understood is refused with "
        "the position and a suggestion."
    ),
    example='ukraine -"peace talks"',
)
FILTERS: Final = (
    Parameter(
        name="source",
        kind=Choice(names=SOURCES, several=True),
        description="Only what one of these sources told us about.",
        example="guardian,reddit",
    ),
    Parameter(
        name="outlet",
        kind=Names(),
        description=(
            "Only outlets with these words in their names (`q=outlet:smi*` for the beginning of a word); several names "
            "with commas, a `-` excludes."
        ),
        example="BBC News,Reuters",
    ),
    Parameter(
        name="exclude_outlet",
        kind=Names(),
        description="No outlets with these words in their names; several names with commas.",
        example="Daily Mail",
    ),
    Parameter(
        name="author",
        kind=Names(),
        description=(
            "Only articles by one of these authors (whole words of a name, in their order; `q=author:smi*` for the "
            "beginning of a word)."
        ),
        example="Jane Doe",
    ),
    Parameter(
        name="sentiment",
        kind=Choice(names=LABELS),
        description="Only articles of this tone.",
        example="positive",
    ),
    Parameter(
        name="min_polarity",
        kind=Decimal(lowest=-1, highest=1),
        description="Only articles of at least this polarity.",
        example="0.3",
    ),
    Parameter(
        name="max_polarity",
        kind=Decimal(lowest=-1, highest=1),
        description="Only articles of at most this polarity.",
        example="0.9",
    ),
    Parameter(
        name="from",
        kind=Moment(),
        description="Published at or after; a time without a zone is UTC.",
        example="2026-01-01",
    ),
    Parameter(
        name="to",
        kind=Moment(end_of_day=True),
        description="Published before this time, or until the end of this day.",
        example="2026-12-31",
    ),
    Parameter(
        name="language",
        kind=Language(),
        description="Only articles in this language (ISO 639-1), searched with its word stems.",
        example="en",
    ),
    Parameter(
        name="has_image",
        kind=Flag(),
        description="Only articles with a picture (true) or without one (false).",
        example="true",
    ),
)
PARAMETERS: Final = (QUERY, *FILTERS)
# What in a name would be a mark of the query language, or makes PostgreSQL take it for a tag, an entity or a protocol.
_NO_NAME: Final = re.compile(rf"[{QUOTES}<>&]|://(?!\w)")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A search as it was understood.

    wanted: for the database; typed: the query as it was written; words: its canonical text, or empty;
    standing: what new articles are matched with: query and filters, dates and picture, without the hidden outlets. What
    somebody hides is nobody's business: it is part of no text that is kept.
    """

    wanted: Wanted
    typed: str
    words: str
    standing: Standing

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for searches that mean the same."""
        wanted = self.wanted
        # By itself, too: which words are too common is decided by its own languages before that of the filter.
        query = cache_text(wanted.query.root) if wanted.query else ""
        return self.standing.text, query, wanted.since, wanted.until, wanted.has_image, wanted.hidden


def asked(query_string: bytes) -> Asked:
    """A request that takes nothing but PARAMETERS. Raises BadParameterError."""
    return of_values(parse(query_string, PARAMETERS))


def of_values(values: dict[str, Any]) -> Asked:
    """The values of PARAMETERS, perhaps with those of api.personal. Raises BadParameterError."""
    _check_order(values["from"], values["to"], "from", "to", "a time before the one in `to`")
    _check_order(
        values["min_polarity"], values["max_polarity"], "min_polarity", "max_polarity", "a smaller number"
    )
    typed = values["q"] or ""
    query = parser.parse(typed) if typed else None
    whole = _whole(query, _filters(values))
    return Asked(
        wanted=Wanted(
            query=query,
            whole=whole,
            languages=(values["language"],) if values["language"] else (),
            since=values["from"],
            until=values["to"],
            has_image=values["has_image"],
            hidden=values.get("hidden", ()),
        ),
        typed=typed,
        words=canonical(query.root) if query else "",
        standing=Standing(
            text=cache_text(whole.root) if whole else "",
            since=values["from"],
            until=values["to"],
            has_image=values["has_image"],
        ),
    )


def fields_named(typed: str) -> set[str]:
    """The fields that a query asks for by itself. Raises BadQueryError."""
    return {leaf.field for leaf in parser.parse(typed).places if isinstance(leaf, Equal)} if typed else set()


def for_sources(asked: Asked) -> str:
    """The words to ask the sources for: without the fields and prefixes that they do not know; empty for none."""
    query = asked.wanted.query
    if query is None:
        return ""
    if all(isinstance(leaf, Text) and leaf.field == "any" and leaf.kind != "prefix" for leaf in query.places):
        return " ".join(asked.typed.split())
    plain = _plain(query.root)
    return canonical(plain) if plain else ""


def _check_order(low: datetime | float | None, high: Any, name: str, other: str, allowed: str) -> None:
    if low is not None and high is not None and (low > high or (low == high and isinstance(low, datetime))):
        raise BadParameterError(name, f"it is not before `{other}`", f"use {allowed}")


def _whole(query: Query | None, filters: list[Node]) -> Query | None:
    parts = [query.root, *filters] if query else filters
    if not parts:
        return None
    places = {leaf: 0 for node in filters for leaf in _leaves(node)} | (query.places if query else {})
    return Query(query.text if query else "", all_of(parts), places)


def _filters(values: dict[str, Any]) -> list[Node]:
    """The filters, said in the query language."""
    found: list[Node] = []
    if values["language"]:
        found.append(Equal("lang", values["language"]))
    if values["source"]:
        found.append(any_of([Equal("source", each) for each in values["source"]]))
    wanted = [each for each in values["outlet"] or () if not each.startswith("-")]
    unwanted = [each[1:] for each in values["outlet"] or () if each.startswith("-")]
    if wanted:
        found.append(any_of([_named("outlet", "outlet", each) for each in wanted]))
    found += [Not(_named("outlet", "outlet", each)) for each in unwanted]
    found += [Not(_named("exclude_outlet", "outlet", each)) for each in values["exclude_outlet"] or ()]
    if values["author"]:
        found.append(any_of([_named("author", "author", each) for each in values["author"]]))
    if values["sentiment"]:
        found.append(Equal("sentiment", values["sentiment"]))
    if values["min_polarity"] is not None or values["max_polarity"] is not None:
        found.append(Polarity(low=values["min_polarity"], high=values["max_polarity"]))
    return found


def _named(parameter: str, field: str, name: str) -> Node:
    if "*" in name:
        # Whoever writes it wants more than the words themselves, which is all that a name finds.
        raise BadParameterError(
            parameter,
            f"{quoted(name)} has an asterisk",
            f"use whole words of names; q={field}:smi* finds words that begin so",
        )
    text = _NO_NAME.sub(" ", name)
    try:
        return parser.parse(f'{field}:"{text}"').root
    except BadQueryError as error:
        raise BadParameterError(
            parameter, error.fault, "use a name, or several separated by commas"
        ) from None


def _plain(node: Node) -> Node | None:
    if isinstance(node, Text):
        if node.field in ("author", "outlet"):
            return None
        return Text("word" if node.kind == "prefix" else node.kind, node.text)
    if isinstance(node, Not):
        child = _plain(node.child)
        return child and Not(child)
    if isinstance(node, And | Or):
        parts = [part for child in node.children if (part := _plain(child))]
        if isinstance(node, Or) and len(parts) < len(node.children):
            return None  # what the sources do not know might have been enough
        return (all_of if isinstance(node, And) else any_of)(parts) if parts else None
    return None


def _leaves(node: Node) -> list[Leaf]:
    if isinstance(node, Not):
        return _leaves(node.child)
    if isinstance(node, And | Or):
        return [leaf for child in node.children for leaf in _leaves(child)]
    return [node]
