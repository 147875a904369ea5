"""Where the words of a query stand in the articles of one page."""

import html
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

# Private characters of Unicode: no article has them, so that what is marked is told apart from any text.
_START: Final = "\ue000"
_STOP: Final = "\ue001"
_FRAGMENT: Final = "\ue002"

# The beginning of a content in which words are marked: a page of a hundred long ones must be marked within two seconds.
CONTENT: Final = 20_000
_TEXTS: Final = {"title": "title", "description": "description", "content": f"left(content, {CONTENT})"}

_HIGHLIGHTS: Final = f"""
    SELECT a.id, ts_headline(c.config, a.title, %(query)s::tsquery, %(whole)s),
           ts_headline(c.config, a.description, %(query)s::tsquery, %(whole)s),
           ts_headline(c.config, a.content, %(query)s::tsquery, %(parts)s)
    FROM (
        SELECT id, language, {
    ", ".join(
        f"translate({text}, '{_START}{_STOP}{_FRAGMENT}', '') AS {name}" for name, text in _TEXTS.items()
    )
}
        FROM articles WHERE id = ANY(%(ids)s)
    ) a, LATERAL news_regconfig(a.language) AS c (config)
"""  # noqa: S608 - constants
_MARKS: Final = f"StartSel={_START}, StopSel={_STOP}"
_WHOLE: Final = f"{_MARKS}, HighlightAll=true"
_PARTS: Final = f"{_MARKS}, MaxFragments=3, MaxWords=25, MinWords=8, FragmentDelimiter={_FRAGMENT}"


class Highlights(msgspec.Struct, frozen=True, kw_only=True):
    """HTML without any tag but <mark>. title and description are whole, or null when no word stands in them; content
    is up to three passages out of its beginning.
    """

    title: str | None
    description: str | None
    content: list[str]


async def highlights(
    connection: AsyncConnection[Any], ids: Sequence[int], ranking: str | None
) -> dict[int, Highlights]:
    """By article; empty when the query has no words to be found."""
    if not ids or ranking is None:
        return {}
    values = {"ids": list(ids), "query": ranking, "whole": _WHOLE, "parts": _PARTS}
    rows = await (await connection.execute(_HIGHLIGHTS, values)).fetchall()
    return {
        id_: Highlights(
            title=_marked(title),
            description=_marked(description),
            content=[found for part in (content or "").split(_FRAGMENT) if (found := _marked(part))],
        )
        for id_, title, description, content in rows
    }


def _marked(text: str | None) -> str | None:
    if not text or _START not in text:
        return None
    return html.escape(text, quote=False).replace(_START, "<mark>").replace(_STOP, "</mark>")
