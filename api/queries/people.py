"""Who somebody is: the user of a session, of an API key, and the profile."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

_SESSION: Final = """
    SELECT s.user_id, u.roles, s.expires_at FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = %s AND s.ended_at IS NULL AND s.expires_at > now()
"""
_KEY: Final = """
    SELECT k.id, k.user_id, k.hash, k.scopes, u.roles, k.expires_at FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE k.hash = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
"""
_PROFILE: Final = """
    SELECT u.id, u.username, u.roles, u.created_at, u.last_login_at,
           (SELECT count(*) FROM saved_articles WHERE user_id = u.id),
           (SELECT count(*) FROM sessions WHERE user_id = u.id AND ended_at IS NULL AND expires_at > now())
    FROM users u WHERE u.id = %s
"""


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has not ended."""

    user_id: int
    roles: list[str]
    expires_at: datetime


class LiveKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key that is neither revoked nor expired."""

    id: int
    user_id: int
    hash: bytes
    scopes: list[str]
    roles: list[str]
    expires_at: datetime | None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in user. sessions: open at the moment."""

    id: int
    username: str
    roles: list[str]
    created_at: datetime
    last_login_at: datetime
    saved: int
    sessions: int


async def session(connection: AsyncConnection[Any], session_id: UUID) -> OpenSession | None:
    row = await (await connection.execute(_SESSION, (session_id,))).fetchone()
    return OpenSession(**dict(zip(OpenSession.__struct_fields__, row, strict=True))) if row else None


async def key(connection: AsyncConnection[Any], digest: bytes) -> LiveKey | None:
    """By the SHA-256 of the whole key."""
    row = await (await connection.execute(_KEY, (digest,))).fetchone()
    return LiveKey(**dict(zip(LiveKey.__struct_fields__, row, strict=True))) if row else None


async def roles(connection: AsyncConnection[Any], user_id: int) -> list[str]:
    row = await (await connection.execute("SELECT roles FROM users WHERE id = %s", (user_id,))).fetchone()
    return list(row[0]) if row else []


async def profile(connection: AsyncConnection[Any], user_id: int) -> Profile | None:
    row = await (await connection.execute(_PROFILE, (user_id,))).fetchone()
    return Profile(**dict(zip(Profile.__struct_fields__, row, strict=True))) if row else None
