"""A user's API keys, as far as they may be shown."""

from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

_ALL: Final = """
    SELECT id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at FROM api_keys
    WHERE user_id = %s ORDER BY created_at DESC, id DESC
"""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """prefix: its readable beginning; the key itself is stored nowhere."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


async def every(connection: AsyncConnection[Any], user_id: int) -> list[Key]:
    rows = await (await connection.execute(_ALL, (user_id,))).fetchall()
    return [Key(**dict(zip(Key.__struct_fields__, row, strict=True))) for row in rows]
