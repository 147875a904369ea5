"""Where the words of a query stand in the articles of one page."""

import html
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

from shared.query.compile import Finds

# Private characters of Unicode: no article has them, so that what is marked is told apart from any text.
_START: Final = "\ue000"
_STOP: Final = "\ue001"
_FRAGMENT: Final = "\ue002"
# PostgreSQL's parser takes it for a space: around a mark it does what a space of news_text() does, and nothing is lost.
_BLANK: Final = "\ue003"

# The beginning of a content in which words are marked: a page of a hundred long ones must be marked within two seconds.
CONTENT: Final = 20_000


def _readable(text: str) -> str:
    """SQL of a text that is parsed as news_text() has it, and is the text itself without the blanks.

    Twice as fast as a character for each mark. A slash in front of a blank ends a file as well: one on either side.
    """
    abbreviation, marks = r"\m([a-zA-Z]{1,2}/[a-zA-Z]\M)(?!\.\w)", "[/~<]|[-+](?=[0-9])"
    sql = f"regexp_replace({text}, '{abbreviation}|({marks})|[{_START}-{_BLANK}]', '\\1\\2{_BLANK}', 'g')"
    for mark in "/~<-+":
        sql = f"replace({sql}, '{mark}{_BLANK}', '{_BLANK}{mark}{_BLANK}')"
    return sql


# The headline query of a text is of what is found in that text: another term, or a word of a phrase that does not stand
# there, is not marked. Without any it is NULL, and so is the headline, for which nothing is read then. What is stored
# says what is found, except in the beginning of a long content.
_HIGHLIGHTS: Final = f"""
    WITH texts AS MATERIALIZED (
        SELECT id, config, name, {_readable("text")} AS text, terms,
               CASE WHEN is_whole THEN vector ELSE to_tsvector(config, news_text(text)) END AS vector
        FROM articles, LATERAL news_regconfig(language) AS c (config), LATERAL (VALUES
            ('title', title, true, ts_filter(search, '{{a}}'), %(title)s::text[]),
            ('description', description, true, ts_filter(search, '{{b}}'), %(body)s),
            (
                'content', left(content, {CONTENT}), length(content) <= {CONTENT}, ts_filter(search, '{{c}}'), %(body)s
            )
        ) AS each (name, text, is_whole, vector, terms)
        WHERE id = ANY(%(ids)s) AND text IS NOT NULL AND terms <> '{{}}'
    )
    SELECT id, name, ts_headline(config, text, found, CASE name WHEN 'content' THEN %(parts)s ELSE %(whole)s END)
    FROM texts, LATERAL (
        SELECT string_agg(term, ' | ')::tsquery FROM unnest(terms) AS term WHERE vector @@ term::tsquery
    ) AS query (found)
"""  # noqa: S608 - constants
_MARKS: Final = f"StartSel={_START}, StopSel={_STOP}"
_WHOLE: Final = f"{_MARKS}, HighlightAll=true"
_PARTS: Final = f"{_MARKS}, MaxFragments=3, MaxWords=25, MinWords=8, FragmentDelimiter={_FRAGMENT}"


class Highlights(msgspec.Struct, frozen=True, kw_only=True):
    """HTML without any tag but <mark>: in each text the words, phrases and prefixes that are asked of it and found in
    it. title and description are whole, or null when nothing is found in them; content is up to three passages out of
    its beginning.
    """

    title: str | None
    description: str | None
    content: list[str]


async def highlights(
    connection: AsyncConnection[Any], ids: Sequence[int], finds: Finds
) -> dict[int, Highlights]:
    """By article; empty when the query has no words to be found."""
    if not ids or not (finds.title or finds.body):
        return {}
    values = {
        "ids": list(ids),
        "title": list(finds.title),
        "body": list(finds.body),
        "whole": _WHOLE,
        "parts": _PARTS,
    }
    rows = await (await connection.execute(_HIGHLIGHTS, values)).fetchall()
    marked = {(id_, name): text for id_, name, text in rows}
    return {
        id_: Highlights(
            title=_marked(marked.get((id_, "title"))),
            description=_marked(marked.get((id_, "description"))),
            content=[
                found
                for part in (marked.get((id_, "content")) or "").split(_FRAGMENT)
                if (found := _marked(part))
            ],
        )
        for id_ in ids
    }


def _marked(text: str | None) -> str | None:
    if not text or _START not in text:
        return None
    shown = html.escape(text.replace(_BLANK, ""), quote=False)
    return shown.replace(_START, "<mark>").replace(_STOP, "</mark>")
