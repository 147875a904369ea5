"""What a search asks of an article, as SQL: the compiled query, the dates, the image."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from api.queries import hints
from api.queries.lexicon import lexemes
from shared.query.compile import COLUMNS, Columns, Condition, Finds, compile_part, compile_query
from shared.query.lexemes import Lexemes, configs_of, is_name, lookups, narrowed
from shared.query.tree import And, Equal, Node, Not, Or, Polarity, Query, Text, all_of

# A lexeme of a tsquery as PostgreSQL writes it, a star, and the weight of titles.
_WEIGHTED: Final = re.compile(r"('(?:[^']|'')*'):(\*?)A")


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
    """Conditions in SQL: `article` about articles a, with hints for the index; `other`, the same about a second article
    (articles b) beside it. values: of both.

    ranking: a tsquery for rank, None when the query has no words to be found; finds: its terms, for highlights;
    indexed: whether the index alone finds what matches, or little more; prefixed: whether that takes reading lists of
    many words.
    """

    article: sql.Composable
    other: sql.Composable
    ranking: str | None
    finds: Finds
    indexed: bool
    prefixed: bool
    values: dict[str, Any]


class _Names(msgspec.Struct, frozen=True):
    """How one article and the values about it are called in a statement."""

    article: str
    values: str


ARTICLE: Final = _Names("a", "q")
OTHER: Final = _Names("b", "r")


async def matching(connection: AsyncConnection[Any], wanted: Wanted) -> Matching:
    """Raises BadQueryError when all words of the query are too common."""
    values: dict[str, Any] = {"since": wanted.since, "until": wanted.until, "hidden": list(wanted.hidden)}
    parts: list[Condition] = []
    others: list[Condition] = []
    ranking, finds = None, Finds()
    if wanted.whole is not None:
        asked = lookups(wanted.whole.root)
        if wanted.query:
            asked |= lookups(wanted.query.root, wanted.languages)
        known = await lexemes(connection, asked)
        if wanted.query:  # by itself: a filter of another language does not make its words less common
            compile_query(wanted.query, known, wanted.languages)
        one = compile_query(wanted.whole, known, columns=columns(ARTICLE), prefix=ARTICLE.values)
        two = compile_query(wanted.whole, known, columns=columns(OTHER), prefix=OTHER.values)
        parts = _split(wanted.whole, wanted.whole.root, configs_of(()), known)
        others, ranking, finds = [two.condition], one.ranking, one.finds
    if wanted.has_image is not None and (hint := hints.of_image(wanted.has_image)):
        parts.append(Condition(hint, {}))
    for each in (*parts, *others):
        values |= each.values
    whole = wanted.whole
    return Matching(
        article=_condition(wanted, ARTICLE, parts),
        other=_condition(wanted, OTHER, others),
        ranking=ranking,
        finds=finds,
        indexed=whole is not None and _is_indexed(whole.root),
        prefixed=whole is not None and _is_prefixed(whole.root),
        values=values,
    )


async def check(connection: AsyncConnection[Any], query: Query) -> None:
    """Raises BadQueryError where a search for the query would be refused."""
    compile_query(query, await lexemes(connection, lookups(query.root)))


def of_part(query: Query, part: Node, configs: tuple[str, ...], known: Lexemes) -> Matching:
    """One part of a query by itself, in the configurations that it is searched with."""
    parts = _split(query, part, configs, known)
    return Matching(
        article=_condition(Wanted(), ARTICLE, parts),
        other=sql.SQL("true"),
        ranking=None,
        finds=Finds(),
        indexed=_is_indexed(part),
        prefixed=_is_prefixed(part),
        values={name: value for each in parts for name, value in each.values.items()},
    )


def _split(query: Query, root: Node, configs: tuple[str, ...], known: Lexemes) -> list[Condition]:
    """What is asked of an article, in parts that the index finds without looking at the article, or with hints for it.

    The words of titles have lists of their own there; in those of the text it would have to look up where each stands.
    Phrases are found by their pairs, and looked at only where all of them occur.
    """
    parts = root.children if isinstance(root, And) else (root,)
    if isinstance(root, And):
        configs = narrowed(root, configs)
    found: list[Condition | None] = []
    rest: list[Node] = []
    for n, part in enumerate(parts):
        if pairs := hints.pairs(part, configs, known, f"p{n}_"):
            found += [pairs, _looked_at(_part(query, part, configs, known, f"n{n}_"))]
        elif _is_title(part):
            found.append(_in_titles(query, part, configs, known, n))
        elif _is_name(part):
            found.append(_part(query, part, configs, known, f"n{n}_"))
        else:
            rest.append(part)
    if rest:
        found.append(_part(query, all_of(rest), configs, known, ARTICLE.values))
    return [each for each in found if each]


def _part(
    query: Query, part: Node, configs: tuple[str, ...], known: Lexemes, prefix: str
) -> Condition | None:
    return compile_part(query, part, configs, known, columns=columns(ARTICLE), prefix=prefix)


def _looked_at(condition: Condition | None) -> Condition | None:
    """The same, kept from the index: asked for a phrase, it would read the list of each of its words."""
    return condition and Condition(sql.SQL("({}) IS TRUE").format(condition.expression), condition.values)


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
        return all(map(_is_indexed, node.children)) and len({*map(_column, node.children)}) == 1
    if isinstance(node, Equal | Polarity):
        return hints.facets(node) is not None
    return isinstance(node, Text)


def _column(node: Node) -> str:
    """What of the index answers it: words, names, what an article is, or several of them."""
    if isinstance(node, And | Or):
        columns = {*map(_column, node.children)}
        return columns.pop() if len(columns) == 1 else "several"
    if isinstance(node, Not):
        return _column(node.child)
    if isinstance(node, Text):
        return node.field if is_name(node) else "words"
    return "facets"


def _is_prefixed(node: Node) -> bool:
    if isinstance(node, And | Or):
        return any(map(_is_prefixed, node.children))
    if isinstance(node, Not):
        return _is_prefixed(node.child)
    return isinstance(node, Text) and node.kind == "prefix"


def columns(names: _Names = ARTICLE) -> Columns:
    """Where a query finds what it is about: the expressions of the index articles_blocks_idx, and plain columns."""
    a = sql.Identifier(names.article)
    return Columns(
        search=sql.SQL("{}.search").format(a),
        author=sql.SQL("to_tsvector('pg_catalog.simple', news_text(coalesce({}.author, '')))").format(a),
        outlet=sql.SQL("to_tsvector('pg_catalog.simple', news_text({}.source_name))").format(a),
        sources=sql.SQL("{}.sources").format(a),
        language=sql.SQL("{}.language").format(a),
        label=sql.SQL("{}.label").format(a),
        polarity=sql.SQL("{}.polarity").format(a),
        hint=hints.of_leaf if names is ARTICLE else COLUMNS.hint,
    )


def _condition(wanted: Wanted, names: _Names, parts: Iterable[Condition]) -> sql.Composable:
    a = sql.Identifier(names.article)
    conditions: list[sql.Composable] = [part.expression for part in parts]
    if wanted.since is not None:
        conditions.append(sql.SQL("{}.published_at >= %(since)s").format(a))
    if wanted.until is not None:
        conditions.append(sql.SQL("{}.published_at < %(until)s").format(a))
    if wanted.has_image is not None:
        conditions.append(sql.SQL("({}.image_url IS NOT NULL) = {}").format(a, sql.Literal(wanted.has_image)))
    if wanted.hidden:
        conditions.append(sql.SQL("lower({}.source_name) <> ALL(%(hidden)s)").format(a))
    return sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")
