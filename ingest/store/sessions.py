"""Sessions and their refresh tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class Session(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    user_id: int
    expires_at: datetime
    ended_at: datetime | None
    identity_checked_at: datetime


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """made_by: the command's id; replaced_by: the hash of its successor."""

    made_by: str
    used_at: datetime | None
    replaced_by: bytes | None


def get(conn: Connection[Any], session_id: UUID) -> Session | None:
    with conn.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(
            """
            SELECT s.id, s.user_id, s.expires_at, s.ended_at, u.identity_checked_at
            FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = %s
            """,
            (session_id,),
        ).fetchone()


def lock(conn: Connection[Any], session_id: UUID) -> Session | None:
    """As `get`; nobody else refreshes or ends it until the end of the transaction."""
    conn.execute("SELECT FROM sessions WHERE id = %s FOR UPDATE", (session_id,))
    return get(conn, session_id)


def begin(
    conn: Connection[Any],
    session_id: UUID,
    *,
    user_id: int,
    device: str,
    address_hash: str | None,
    at: datetime,
    expires_at: datetime,
) -> None:
    conn.execute(
        """
        INSERT INTO sessions (id, user_id, device, address_hash, created_at, last_used_at, expires_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        (session_id, user_id, device, address_hash, at, at, expires_at),
    )


def add_token(conn: Connection[Any], session_id: UUID, token_hash: bytes, made_by: str, at: datetime) -> None:
    conn.execute(
        "INSERT INTO refresh_tokens (hash, session_id, made_by, created_at) VALUES (%s, %s, %s, %s)",
        (token_hash, session_id, made_by, at),
    )


def token(conn: Connection[Any], session_id: UUID, token_hash: bytes) -> RefreshToken | None:
    """A refresh token of this session."""
    with conn.cursor(row_factory=class_row(RefreshToken)) as cursor:
        return cursor.execute(
            "SELECT made_by, used_at, replaced_by FROM refresh_tokens WHERE hash = %s AND session_id = %s",
            (token_hash, session_id),
        ).fetchone()


def use_token(
    conn: Connection[Any],
    session_id: UUID,
    token_hash: bytes,
    replaced_by: bytes,
    at: datetime,
    expires_at: datetime,
) -> None:
    """A refresh token is used up; the session lives on."""
    conn.execute(
        "UPDATE refresh_tokens SET used_at = %s, replaced_by = %s WHERE hash = %s",
        (at, replaced_by, token_hash),
    )
    conn.execute(
        "UPDATE sessions SET last_used_at = %s, expires_at = %s WHERE id = %s", (at, expires_at, session_id)
    )


def end(conn: Connection[Any], session_id: UUID, why: str, at: datetime) -> int:
    """Returns 1 when it was open."""
    return conn.execute(
        "UPDATE sessions SET ended_at = %s, ended_why = %s WHERE id = %s AND ended_at IS NULL",
        (at, why, session_id),
    ).rowcount


def end_all(conn: Connection[Any], user_id: int, why: str, at: datetime) -> int:
    """Returns how many were open."""
    return conn.execute(
        "UPDATE sessions SET ended_at = %s, ended_why = %s WHERE user_id = %s AND ended_at IS NULL",
        (at, why, user_id),
    ).rowcount


def ended_since(conn: Connection[Any], user_id: int, at: datetime) -> list[UUID]:
    """The user's sessions that ended lately."""
    found = conn.execute("SELECT id FROM sessions WHERE user_id = %s AND ended_at >= %s", (user_id, at))
    return [row[0] for row in found]


def drop_before(conn: Connection[Any], at: datetime) -> int:
    """Forget sessions that were over by then; returns how many."""
    return conn.execute("DELETE FROM sessions WHERE least(ended_at, expires_at) < %s", (at,)).rowcount


def drop_tokens_before(conn: Connection[Any], at: datetime) -> int:
    """Forget refresh tokens that were used by then; returns how many."""
    return conn.execute("DELETE FROM refresh_tokens WHERE used_at < %s", (at,)).rowcount
