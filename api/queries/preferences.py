"""What a user prefers."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

from shared.errors import NotFoundError

_ALL: Final = "SELECT key, value, version, changed_at FROM user_preferences WHERE user_id = %s ORDER BY key"
_ONE: Final = "SELECT key, value, version, changed_at FROM user_preferences WHERE user_id = %s AND key = %s"
_OFF: Final = """
    SELECT user_id FROM user_preferences
    WHERE user_id = ANY(%s) AND key = 'search_history' AND value = 'false'::jsonb
"""


class Preference(msgspec.Struct, frozen=True, kw_only=True):
    """One that is set; the others are at their default."""

    key: str
    value: Any
    version: int
    changed_at: datetime


async def every(connection: AsyncConnection[Any], user_id: int) -> list[Preference]:
    rows = await (await connection.execute(_ALL, (user_id,))).fetchall()
    return [_preference(row) for row in rows]


async def one(connection: AsyncConnection[Any], user_id: int, key: str) -> Preference:
    """Raises NotFoundError."""
    row = await (await connection.execute(_ONE, (user_id, key))).fetchone()
    if row is None:
        raise NotFoundError(f"the preference {key} is not set")
    return _preference(row)


async def who_switched_off(connection: AsyncConnection[Any], users: Collection[int]) -> set[int]:
    """Of these users, those who do not want their searches remembered."""
    return {row[0] for row in await (await connection.execute(_OFF, (list(users),))).fetchall()}


def _preference(row: tuple[Any, ...]) -> Preference:
    return Preference(**dict(zip(Preference.__struct_fields__, row, strict=True)))
