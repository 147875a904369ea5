"""What the search index knows of a query beside its words: what an article is, and which words follow one another.

A hint is a condition that every match satisfies and that the index answers by itself; the query's own condition stands
beside it and decides. Migrations 0004 and 0010 have the functions in SQL.
"""

import itertools
import math
import re
import struct
from collections.abc import Iterable
from typing import Final

from psycopg import sql

from shared.query.compile import Condition
from shared.query.lexemes import NAME_CONFIG, Lexemes, is_name, term_lookups
from shared.query.tree import Equal, Node, Or, Polarity, Text

_FACETS: Final = sql.SQL("news_facets(a.sources, a.language, a.label, a.polarity, a.image_url) && {}::text[]")
# Of texts, as migration 0004 made them: with pairs of names as they are written, for which nobody asks any more.
_PAIRS: Final = sql.SQL("""(
    news_pairs('', a.search)
    || news_pairs('outlet ', to_tsvector('pg_catalog.simple', a.source_name))
    || news_pairs('author ', to_tsvector('pg_catalog.simple', coalesce(a.author, '')))
) @@ ({})""")
_PAIRS_OF_NAMES: Final = sql.SQL("""(
    news_pairs('outlet ', to_tsvector('pg_catalog.simple', news_text(a.source_name)))
    || news_pairs('author ', to_tsvector('pg_catalog.simple', news_text(coalesce(a.author, ''))))
) @@ ({})""")
_PAIR: Final = sql.SQL("news_pair({}, {}, {})::tsquery")
# What most articles are is looked up faster in each candidate than in a list of nearly all.
_MOST: Final = {"lang:en", "image:true"}
_MANY_TENTHS: Final = 10
_KINDS: Final = {"outlet": "outlet ", "author": "author "}

# The lexemes of a tsquery as PostgreSQL writes it, and how far each stands from the one before.
_STEP: Final = re.compile(r"(?: <(-|[0-9]+)> )?('(?:[^']|'')*')")


def facets(leaf: Equal | Polarity) -> list[str] | None:
    """Names of which every match has one; None when most articles have one."""
    if isinstance(leaf, Polarity):
        tenths = range(_tenth(leaf.low, -1), _tenth(leaf.high, 1) + 1)
        return [f"polarity:{n}" for n in tenths] if len(tenths) <= _MANY_TENTHS else None
    name = {"source": "", "lang": "lang:", "sentiment": "tone:"}[leaf.field] + leaf.value
    return None if name in _MOST else [name]


def of_leaf(leaf: Equal | Polarity) -> sql.Composable | None:
    names = facets(leaf)
    return _FACETS.format(sql.Literal(names)) if names else None


def of_image(has_image: bool) -> sql.Composable | None:
    name = "image:true" if has_image else "image:false"
    return None if name in _MOST else _FACETS.format(sql.Literal([name]))


def pairs(node: Node, configs: Iterable[str], lexemes: Lexemes, prefix: str) -> Condition | None:
    """For words that follow one another, or several such. None when it is about anything else as well."""
    leaves = node.children if isinstance(node, Or) else (node,)
    values: dict[str, str] = {}
    either: dict[bool, list[sql.Composable]] = {}  # whether of names
    for leaf in leaves:
        if not isinstance(leaf, Text) or leaf.kind == "prefix":
            return None
        for config in (NAME_CONFIG,) if is_name(leaf) else configs:
            steps = _adjacent(lexemes[term_lookups(leaf, config)[0]])
            if not steps:
                return None
            kind = sql.Literal(_KINDS.get(leaf.field, ""))
            each = []
            for step in steps:
                one, other = f"{prefix}{len(values)}", f"{prefix}{len(values) + 1}"
                values |= {one: step[0], other: step[1]}
                each.append(_PAIR.format(kind, sql.Placeholder(one), sql.Placeholder(other)))
            either.setdefault(is_name(leaf), []).append(sql.SQL("({})").format(sql.SQL(" && ").join(each)))
    found = [
        (_PAIRS_OF_NAMES if of_names else _PAIRS).format(sql.SQL(" || ").join(wanted))
        for of_names, wanted in either.items()
    ]
    return Condition(sql.SQL("({})").format(sql.SQL(" OR ").join(found)), values)


def _adjacent(tsquery: str) -> list[tuple[str, str]]:
    """Each two lexemes of a phrase between which nothing stands."""
    found = [(step, _unquoted(lexeme)) for step, lexeme in _STEP.findall(tsquery)]
    return [(one, other) for (_, one), (step, other) in itertools.pairwise(found) if step in ("-", "1")]


def _unquoted(lexeme: str) -> str:
    return lexeme[1:-1].replace("''", "'").replace("\\\\", "\\")


def _tenth(bound: float | None, otherwise: float) -> int:
    """The tenth that a polarity lies in, as the index has it: of the real that is stored."""
    stored: float = struct.unpack("f", struct.pack("f", otherwise if bound is None else bound))[0]
    return math.floor(stored * 10)
