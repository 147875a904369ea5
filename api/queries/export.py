"""Everything that is stored about a user, in one piece."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from api.queries import history, keys, people, preferences, saved
from shared.errors import NotFoundError

_SESSIONS: Final = """
    SELECT id, device, created_at, last_used_at, expires_at, ended_at, ended_why FROM sessions
    WHERE user_id = %s ORDER BY created_at
"""
_AUDIT: Final = "SELECT at, action, detail FROM audit_log WHERE user_id = %s ORDER BY at, id"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in. device: the User-Agent of that moment."""

    id: UUID
    device: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_why: str | None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit log."""

    at: datetime
    action: str
    detail: Any


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    """What the product knows about a user; tokens and keys are stored sealed or hashed and are not in it."""

    exported_at: datetime
    profile: people.Profile
    saved: list[saved.Saved]
    preferences: list[preferences.Preference]
    history: list[history.Search]
    keys: list[keys.Key]
    sessions: list[Session]
    audit: list[Event]


async def everything(connection: AsyncConnection[Any], user_id: int, now: datetime) -> Everything:
    """Raises NotFoundError."""
    profile = await people.profile(connection, user_id)
    if profile is None:
        raise NotFoundError("this account was deleted")
    sessions = await (await connection.execute(_SESSIONS, (user_id,))).fetchall()
    audit = await (await connection.execute(_AUDIT, (user_id,))).fetchall()
    return Everything(
        exported_at=now,
        profile=profile,
        saved=await saved.page(connection, user_id, saved.Wanted(), None),
        preferences=await preferences.every(connection, user_id),
        history=await history.page(connection, user_id, None, None),
        keys=await keys.every(connection, user_id),
        sessions=[Session(**dict(zip(Session.__struct_fields__, row, strict=True))) for row in sessions],
        audit=[Event(**dict(zip(Event.__struct_fields__, row, strict=True))) for row in audit],
    )
