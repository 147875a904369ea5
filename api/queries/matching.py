"""What a search asks of an article, as SQL: the compiled query, the dates, the image."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from api.queries.lexicon import lexemes
from shared.query.compile import Columns, Compiled, Condition, compile_part, compile_query
from shared.query.lexemes import Lexemes, configs_of, is_name, lookups, narrowed
from shared.query.tree import And, Node, Not, Or, Query, Text, all_of

# A lexeme of a tsquery as PostgreSQL writes it, a star, and the weight of titles.
_WEIGHTED: Final = re.compile(r"('(?:[^']|'')*'):(\*?)A")

# What stands between two lexemes that follow one another; within a lexeme there is no space.
_FOLLOWS: Final = re.compile(r" <(?:-|[0-9]+)> ")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of every article of a result.

    query: what the caller wrote; whole: that and what the filters ask, as one query; languages: of the filter;
    since <= published_at < until, UTC; hidden: outlets, in lower case, that the reader does not want to see.
    """

    query: Query | None = None
    whole: Query | None = None
    languages: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    has_image: bool | None = None
    hidden: tuple[str, ...] = ()


class Matching(msgspec.Struct, frozen=True, kw_only=True):
    """SQL about an article: `article.origin` is a FROM clause (articles a), `article.condition` a WHERE clause;
    `other` is the same of a second article (articles b) beside the first. values: of both.

    ranking: a tsquery for rank and highlights, None when the query has no words to be found; indexed: whether the
    index alone finds what matches, or little more.
    """

    article: "Clauses"
    other: "Clauses"
    ranking: str | None
    indexed: bool
    values: dict[str, Any]


class Clauses(msgspec.Struct, frozen=True):
    origin: sql.Composable
    condition: sql.Composable


class _Names(msgspec.Struct, frozen=True):
    """How one article, its sentiment and the values about it are called in a statement."""

    article: str
    sentiment: str
    values: str


ARTICLE: Final = _Names("a", "s", "q")
OTHER: Final = _Names("b", "t", "r")


async def matching(connection: AsyncConnection[Any], wanted: Wanted) -> Matching:
    """Raises BadQueryError when all words of the query are too common."""
    values: dict[str, Any] = {"since": wanted.since, "until": wanted.until, "hidden": list(wanted.hidden)}
    if wanted.whole is None:
        return Matching(
            article=_clauses(wanted, None, ARTICLE, []),
            other=_clauses(wanted, None, OTHER, []),
            ranking=None,
            indexed=False,
            values=values,
        )
    known = await lexemes(connection, lookups(wanted.whole.root))
    if wanted.query:  # by itself: a filter beside it does not make words that are too common a search
        compile_query(wanted.query, known, wanted.languages)
    one = compile_query(wanted.whole, known, columns=columns(ARTICLE), prefix=ARTICLE.values)
    two = compile_query(wanted.whole, known, columns=columns(OTHER), prefix=OTHER.values)
    parts = _split(wanted.whole, known, one)
    values |= two.condition.values
    for each in parts:
        values |= each.values
    return Matching(
        article=_clauses(wanted, one, ARTICLE, parts),
        other=_clauses(wanted, two, OTHER, [two.condition]),
        ranking=one.ranking,
        indexed=_is_indexed(wanted.whole.root),
        values=values,
    )


def _split(query: Query, known: Lexemes, compiled: Compiled) -> list[Condition]:
    """What is asked of an article, in parts that the index finds without looking at the article.

    The words of titles have lists of their own there; in those of the text it would have to look up where each stands.
    """
    parts = query.root.children if isinstance(query.root, And) else (query.root,)
    rest = [part for part in parts if not _is_title(part) and not _is_name(part)]
    if len(rest) == len(parts):
        return [compiled.condition]
    configs = configs_of(())
    if isinstance(query.root, And):
        configs = narrowed(query.root, configs)
    found: list[Condition | None] = []
    for n, part in enumerate(parts):
        if _is_title(part):
            found.append(_in_titles(query, part, configs, known, n))
        elif _is_name(part):
            found += _in_names(query, part, configs, known, n)
    if rest:
        found.append(
            compile_part(query, all_of(rest), configs, known, columns=columns(ARTICLE), prefix=ARTICLE.values)
        )
    return [each for each in found if each]


def _in_names(
    query: Query, part: Node, configs: tuple[str, ...], known: Lexemes, number: int
) -> list[Condition]:
    """The words of a name out of the index, and their order from the name alone.

    Asked for a phrase, the index would have every other condition looked at again, in the long texts too.
    """
    found = compile_part(query, part, configs, known, columns=columns(ARTICLE), prefix=f"n{number}_")
    if found is None:
        return []
    loose = compile_part(query, part, configs, known, columns=columns(ARTICLE), prefix=f"m{number}_")
    if loose is None or not any(_FOLLOWS.search(value) for value in found.values.values()):
        return [found]
    words = {name: _FOLLOWS.sub(" & ", value) for name, value in loose.values.items()}
    exact = Condition(sql.SQL("({}) IS TRUE").format(found.expression), found.values)
    return [Condition(loose.expression, words), exact]


def _in_titles(
    query: Query, part: Node, configs: tuple[str, ...], known: Lexemes, number: int
) -> Condition | None:
    where = msgspec.structs.replace(columns(ARTICLE), search=sql.SQL("ts_filter(a.search, '{a}')"))
    found = compile_part(query, part, configs, known, columns=where, prefix=f"t{number}_")
    return found and Condition(found.expression, {k: _unweighted(v) for k, v in found.values.items()})


def _unweighted(tsquery: str) -> str:
    """A filtered vector has words of titles alone; without a weight nothing but the index need be asked."""
    return _WEIGHTED.sub(lambda found: found[1] + (":*" if found[2] else ""), tsquery)


def _is_title(node: Node) -> bool:
    if isinstance(node, And | Or):
        return all(map(_is_title, node.children))
    return isinstance(node, Text) and node.field == "title"


def _is_name(node: Node) -> bool:
    if isinstance(node, Or):
        return all(map(_is_name, node.children))
    return isinstance(node, Text) and is_name(node)


def _is_indexed(node: Node) -> bool:
    if isinstance(node, And):
        return any(map(_is_indexed, node.children))
    if isinstance(node, Or):
        return all(_is_indexed(child) and not _names(child) for child in node.children)
    return isinstance(node, Text)


def _names(node: Node) -> bool:
    """Whether it is about names anywhere: these are in other columns of the index than words."""
    if isinstance(node, And | Or):
        return any(map(_names, node.children))
    if isinstance(node, Not):
        return _names(node.child)
    return not isinstance(node, Text) or is_name(node)


def columns(names: _Names = ARTICLE) -> Columns:
    """Where a query finds what it is about: the expressions of the index articles_blocks_idx."""
    a, s = sql.Identifier(names.article), sql.Identifier(names.sentiment)
    return Columns(
        search=sql.SQL("{}.search").format(a),
        author=sql.SQL("to_tsvector('pg_catalog.simple', coalesce({}.author, ''))").format(a),
        outlet=sql.SQL("to_tsvector('pg_catalog.simple', {}.source_name)").format(a),
        sources=sql.SQL("{}.sources").format(a),
        language=sql.SQL("{}.language").format(a),
        label=sql.SQL("{}.label").format(s),
        polarity=sql.SQL("{}.polarity").format(s),
    )


def _clauses(wanted: Wanted, compiled: Compiled | None, names: _Names, parts: Iterable[Condition]) -> Clauses:
    a, s = sql.Identifier(names.article), sql.Identifier(names.sentiment)
    origin: sql.Composable = sql.SQL("articles {}").format(a)
    conditions: list[sql.Composable] = [part.expression for part in parts]
    if compiled and compiled.needs_sentiment:
        origin += sql.SQL(" LEFT JOIN article_sentiments {s} ON {s}.article_id = {a}.id").format(a=a, s=s)
    if wanted.since is not None:
        conditions.append(sql.SQL("{}.published_at >= %(since)s").format(a))
    if wanted.until is not None:
        conditions.append(sql.SQL("{}.published_at < %(until)s").format(a))
    if wanted.has_image is not None:
        conditions.append(sql.SQL("({}.image_url IS NOT NULL) = {}").format(a, sql.Literal(wanted.has_image)))
    if wanted.hidden:
        conditions.append(sql.SQL("lower({}.source_name) <> ALL(%(hidden)s)").format(a))
    return Clauses(origin, sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true"))
