"""What a user searched."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

_PAGE: Final = """
    SELECT id, query, results_count, searched_at FROM search_history
    WHERE user_id = %(user)s AND (%(after_at)s::timestamptz IS NULL OR (searched_at, id) < (%(after_at)s, %(after_id)s))
    ORDER BY searched_at DESC, id DESC LIMIT %(limit)s
"""


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """One search."""

    id: UUID
    query: str
    results_count: int
    searched_at: datetime


async def page(
    connection: AsyncConnection[Any], user_id: int, after: tuple[datetime, UUID] | None, limit: int | None
) -> list[Search]:
    """Newest first; limit None: all of them."""
    after_at, after_id = after or (None, None)
    values = {"user": user_id, "after_at": after_at, "after_id": after_id, "limit": limit}
    rows = await (await connection.execute(_PAGE, values)).fetchall()
    return [Search(**dict(zip(Search.__struct_fields__, row, strict=True))) for row in rows]
