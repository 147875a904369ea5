"""What a user saved: as it was when it was saved, so that it outlives the article."""

from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec
from psycopg import AsyncConnection, sql

from shared.errors import NotFoundError

_COLUMNS: Final = sql.SQL(
    "id, kind, article_id, story_id, title, url, source, source_name, published_at, notes, tags, version, saved_at, "
    "edited_at"
)
_ONE: Final = sql.SQL("SELECT {columns} FROM saved_articles WHERE user_id = %s AND id = %s").format(
    columns=_COLUMNS
)
_PAGE: Final = sql.SQL("""
    SELECT {columns} FROM saved_articles WHERE {matches} ORDER BY saved_at DESC, id DESC LIMIT %(limit)s
""")
# The write side bounds a user's own list: reading through it costs milliseconds, and all of it fits into memory.
_CONDITIONS: Final[dict[str, LiteralString]] = {
    "q": "concat_ws(chr(10), title, notes, source_name, url) ILIKE %(pattern)s",
    "tag": "%(tag)s = ANY(tags)",
    "kind": "kind = %(kind)s",
    "after": "(saved_at, id) < (%(after_at)s, %(after_id)s)",
}


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """One saved article or story. article_id, story_id: null when the archive has it no more."""

    id: int
    kind: str
    article_id: int | None
    story_id: int | None
    title: str
    url: str
    source: str
    source_name: str
    published_at: datetime
    notes: str
    tags: list[str]
    version: int
    saved_at: datetime
    edited_at: datetime


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which of them. q: in title, notes, outlet or address; after: where the page before ended."""

    q: str | None = None
    tag: str | None = None
    kind: str | None = None
    after: tuple[datetime, int] | None = None


async def one(connection: AsyncConnection[Any], user_id: int, saved_id: int) -> Saved:
    """Raises NotFoundError, also for another user's."""
    row = await (await connection.execute(_ONE, (user_id, saved_id))).fetchone()
    if row is None:
        raise NotFoundError(f"you have nothing saved under {saved_id}")
    return _saved(row)


async def page(
    connection: AsyncConnection[Any], user_id: int, wanted: Wanted, limit: int | None
) -> list[Saved]:
    """Newest first; limit None: all of them."""
    conditions = [sql.SQL("user_id = %(user)s")]
    conditions += [sql.SQL(each) for field, each in _CONDITIONS.items() if getattr(wanted, field)]
    after_at, after_id = wanted.after or (None, None)
    values = {
        "user": user_id,
        "pattern": "%" + _escaped(wanted.q or "") + "%",
        "tag": wanted.tag,
        "kind": wanted.kind,
        "after_at": after_at,
        "after_id": after_id,
        "limit": limit,
    }
    query = _PAGE.format(columns=_COLUMNS, matches=sql.SQL(" AND ").join(conditions))
    found = await connection.execute(query, values)
    return [_saved(row) for row in await found.fetchall()]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _saved(row: tuple[Any, ...]) -> Saved:
    return Saved(**dict(zip(Saved.__struct_fields__, row, strict=True)))
