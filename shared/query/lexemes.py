"""What the archive's index knows a term as: PostgreSQL's own stems, asked for once and then kept.

The words of a query are cut and stemmed by the function that the archive is indexed with, each as a bound value of
one statement; what comes back is a tsquery in PostgreSQL's own spelling. So nothing that a reader typed is ever read
as tsquery syntax, and which words are too common to be indexed is PostgreSQL's verdict, in every language.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from psycopg import sql

from shared.languages import regconfig
from shared.query.tree import And, Equal, Node, Not, Or, Text

# A regconfig and words; and the tsquery of each: lexemes joined by <->, or empty when nothing of it is indexed.
Lookup = tuple[str, str]
Lexemes = Mapping[Lookup, str]

# What most readers type: English articles are found by their stems, those without a stemmer by the words as typed.
# Articles in other languages are found reliably by a query that names the language: it searches with its stems. With
# all stemmers at once, common words could not be left out: "war" and "die" are such words in German.
DEFAULT_CONFIGS: Final = ("english", "simple")
# Names of people and outlets are not stemmed, in any language.
NAME_CONFIG: Final = "simple"
# A prefix may end within what the stemmer cuts off: universit* and the stem "univers". The stems of the prefix with
# these endings are then looked for too. Of the 108,000 pairs of a word and one of its prefixes that the 20,000 most
# frequent words of the captured articles make, 23 % are missed without them and none with them.
ENGLISH_TAILS: Final = (
    "", "g", "ng", "y", "n", "l", "e", "t", "s", "d", "ing", "le", "nt", "ent", "us", "ss", "ess", "ul", "m", "ty",
    "lity", "ity", "r", "tive", "ive", "ve", "tion", "ion", "on", "es",
)  # fmt: skip

_LEXEME = re.compile(r"'(?:[^']|'')*'")

RESOLVE: Final = sql.SQL("""
    SELECT phraseto_tsquery(config::regconfig, news_text(words))::text
    FROM unnest(%(configs)s::text[], %(words)s::text[]) WITH ORDINALITY AS asked (config, words, place)
    ORDER BY place
""")


def resolve_values(lookups: Iterable[Lookup]) -> dict[str, Any]:
    """The values of RESOLVE; its rows come in the order of the look-ups."""
    asked = list(lookups)
    return {"configs": [config for config, _ in asked], "words": [words for _, words in asked]}


def lookups(root: Node, languages: Iterable[str] = ()) -> set[Lookup]:
    """Everything that the compiler needs to know about a query. languages: of the caller's filter, if it has one."""
    return set(_lookups(root, configs_of(languages)))


def _lookups(node: Node, configs: tuple[str, ...]) -> Iterator[Lookup]:
    if isinstance(node, Text):
        for config in (NAME_CONFIG,) if is_name(node) else configs:
            yield from term_lookups(node, config)
    elif isinstance(node, Not):
        yield from _lookups(node.child, configs)
    elif isinstance(node, And | Or):
        for child in node.children:
            yield from _lookups(child, narrowed(node, configs))


def term_lookups(leaf: Text, config: str) -> list[Lookup]:
    """The first is the term itself; the others are words that a prefix may have been the beginning of."""
    if leaf.kind != "prefix" or is_name(leaf):
        return [(config, leaf.text)]
    tails = ENGLISH_TAILS if config == "english" else ("",)
    return [(NAME_CONFIG, leaf.text), *((config, leaf.text + tail) for tail in tails)]


def is_name(leaf: Text) -> bool:
    return leaf.field in ("author", "outlet")


def configs_of(languages: Iterable[str]) -> tuple[str, ...]:
    """The configurations to search with; without languages, the default ones."""
    return tuple(dict.fromkeys(map(regconfig, languages))) or DEFAULT_CONFIGS


def narrowed(node: And | Or, configs: tuple[str, ...]) -> tuple[str, ...]:
    """Within `lang:de (…)` words are German: the languages that an And demands are those of its other parts.

    All that demand languages count, in any order, within and without; when no language satisfies them all, each does.
    """
    demands = [each for each in map(_demanded, node.children) if each] if isinstance(node, And) else []
    if not demands:
        return configs
    demanded = configs_of(sorted(set.intersection(*demands) or set.union(*demands)))
    if configs == DEFAULT_CONFIGS:
        return demanded
    return tuple(config for config in demanded if config in configs) or demanded


def _demanded(node: Node) -> set[str]:
    if isinstance(node, Equal) and node.field == "lang":
        return {node.value}
    if isinstance(node, Or):
        each = [_demanded(child) for child in node.children]
        return set.union(*each) if all(each) else set()
    return set()


def tsquery(leaf: Text, config: str, lexemes: Lexemes) -> str:
    """The tsquery of one term in one configuration, in the weights of its field; empty when nothing of it is indexed.

    Title, description and content follow one another in the vector, so a phrase is asked for in each by itself:
    no phrase is found that begins in a title and ends in the description.
    """
    return " | ".join(_weighted(text, leaf, star) for text, star in _forms(leaf, config, lexemes))


def plain_tsquery(leaf: Text, config: str, lexemes: Lexemes) -> str:
    """The same without weights, for the vector of one text."""
    return " | ".join(_marked(text, star) for text, star in _forms(leaf, config, lexemes))


def words_of(text: str) -> list[str]:
    """The lexemes of a tsquery as PostgreSQL writes it, each once."""
    found = (each[1:-1].replace("''", "'").replace("\\\\", "\\") for each in _LEXEME.findall(text))
    return list(dict.fromkeys(found))


def _forms(leaf: Text, config: str, lexemes: Lexemes) -> list[tuple[str, str]]:
    """What a term is found by: lexemes joined by <->, and the star of a prefix."""
    first, *others = (lexemes[lookup] for lookup in term_lookups(leaf, config))
    if not first:
        return []
    if leaf.kind != "prefix":
        return [(first, "")]
    stems = {other for other in others if _is_shorter(other, first)}
    return [(first, "*"), *((stem, "") for stem in sorted(stems))]


def _is_shorter(other: str, first: str) -> bool:
    """Whether a stem is not found by the prefix itself."""
    return len(_LEXEME.findall(other)) == 1 and not other.startswith(first[:-1])


def _weighted(text: str, leaf: Text, star: str) -> str:
    if len(_LEXEME.findall(text)) > 1:
        weights = {"any": "ABC", "title": "A", "body": "BC"}.get(leaf.field, [""])
    else:
        weights = [{"title": "A", "body": "BC"}.get(leaf.field, "")]
    return " | ".join(_marked(text, star + weight) for weight in weights)


def _marked(text: str, marks: str) -> str:
    return _LEXEME.sub(lambda found: f"{found[0]}:{marks}", text) if marks else text
