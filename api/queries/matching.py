"""What a search asks of an article, as SQL: the compiled query, the dates, the image."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection, sql

from api.queries.lexicon import lexemes
from shared.query.compile import Columns, Compiled, Condition, compile_part, compile_query
from shared.query.lexemes import Lexemes, configs_of, lookups, narrowed
from shared.query.tree import And, Node, Or, Query, Text


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

    ranking: a tsquery for rank and highlights, None when the query has no words to be found.
    """

    article: "Clauses"
    other: "Clauses"
    ranking: str | None
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
            article=_clauses(wanted, None, ARTICLE),
            other=_clauses(wanted, None, OTHER),
            ranking=None,
            values=values,
        )
    known = await lexemes(connection, lookups(wanted.whole.root))
    if wanted.query:  # by itself: a filter beside it does not make words that are too common a search
        compile_query(wanted.query, known, wanted.languages)
    one = compile_query(wanted.whole, known, columns=columns(ARTICLE), prefix=ARTICLE.values)
    two = compile_query(wanted.whole, known, columns=columns(OTHER), prefix=OTHER.values)
    titles = _in_titles(wanted.whole, known)
    for each in titles:
        values |= each.values
    return Matching(
        article=_clauses(wanted, one, ARTICLE, [each.expression for each in titles]),
        other=_clauses(wanted, two, OTHER),
        ranking=one.ranking,
        values=values | one.condition.values | two.condition.values,
    )


def _in_titles(query: Query, known: Lexemes) -> list[Condition]:
    """What the query asks of titles alone, said once more so that the index on the words of titles serves it."""
    root = query.root
    parts = root.children if isinstance(root, And) else (root,)
    configs = narrowed(root, configs_of(())) if isinstance(root, And) else configs_of(())
    titles = msgspec.structs.replace(columns(ARTICLE), search=sql.SQL("ts_filter(a.search, '{a}')"))
    found = (
        compile_part(query, part, configs, known, columns=titles, prefix=f"t{n}_")
        for n, part in enumerate(parts)
        if _is_title(part)
    )
    return [each for each in found if each]


def _is_title(node: Node) -> bool:
    if isinstance(node, And | Or):
        return all(map(_is_title, node.children))
    return isinstance(node, Text) and node.field == "title"


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


def _clauses(
    wanted: Wanted, compiled: Compiled | None, names: _Names, hints: Iterable[sql.Composable] = ()
) -> Clauses:
    a, s = sql.Identifier(names.article), sql.Identifier(names.sentiment)
    origin: sql.Composable = sql.SQL("articles {}").format(a)
    conditions: list[sql.Composable] = []
    if compiled:
        conditions += [compiled.condition.expression, *hints]
        if compiled.needs_sentiment:
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
