"""API keys: by hash, with what they may do and when they were last used."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from ingest.store.rows import rows
from shared.commands import KeyUsed


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as operators see one."""

    id: int
    username: str
    name: str
    prefix: str
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def insert(
    conn: Connection[Any],
    user_id: int,
    *,
    name: str,
    prefix: str,
    key_hash: bytes,
    scopes: list[str],
    at: datetime,
    expires_at: datetime | None,
) -> int | None:
    """Returns its id; None when there is such a key."""
    row = conn.execute(
        """
        INSERT INTO api_keys (user_id, name, prefix, hash, scopes, created_at, expires_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (hash) DO NOTHING RETURNING id
        """,
        (user_id, name, prefix, key_hash, scopes, at, expires_at),
    ).fetchone()
    return row[0] if row else None


def count_valid(conn: Connection[Any], user_id: int, at: datetime) -> int:
    row = conn.execute(
        """
        SELECT count(*) FROM api_keys
        WHERE user_id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)
        """,
        (user_id, at),
    ).fetchone()
    return int(row[0]) if row else 0


def revoke_all(conn: Connection[Any], user_id: int, at: datetime) -> list[int]:
    """Returns the ids of the user's keys, those that were revoked before too."""
    found = conn.execute(
        """
        UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE user_id = %s RETURNING id
        """,
        (at, user_id),
    )
    return [row[0] for row in found.fetchall()]


def revoke(conn: Connection[Any], key_id: int, at: datetime, *, user_id: int | None = None) -> int | None:
    """user_id: only when it is this user's. Returns whose it is; None when there is none that could be revoked."""
    row = conn.execute(
        """
        UPDATE api_keys SET revoked_at = %s
        WHERE id = %s AND revoked_at IS NULL AND (%s::bigint IS NULL OR user_id = %s)
        RETURNING user_id
        """,
        (at, key_id, user_id, user_id),
    ).fetchone()
    return row[0] if row else None


def revoke_scope(conn: Connection[Any], user_id: int, scope: str, at: datetime) -> list[int]:
    """Revoke all keys of the user that may do this; returns their ids."""
    found = conn.execute(
        """
        UPDATE api_keys SET revoked_at = %s
        WHERE user_id = %s AND revoked_at IS NULL AND %s = ANY (scopes) RETURNING id
        """,
        (at, user_id, scope),
    )
    return [row[0] for row in found]


def touch(conn: Connection[Any], uses: Iterable[KeyUsed]) -> list[tuple[int, int]]:
    """Note the last use; returns (key id, user id) of keys that were not used before on that day (UTC)."""
    found = conn.execute(
        """
        WITH used AS (
            SELECT key_id, max(at) AS at FROM json_to_recordset(%s) AS r (key_id bigint, at timestamptz) GROUP BY key_id
        ), before AS (
            SELECT k.id, k.user_id, k.last_used_at, used.at FROM api_keys k JOIN used ON used.key_id = k.id
            ORDER BY k.id FOR NO KEY UPDATE OF k
        ), touched AS (
            UPDATE api_keys SET last_used_at = before.at FROM before
            WHERE api_keys.id = before.id AND (before.last_used_at IS NULL OR before.last_used_at < before.at)
            RETURNING api_keys.id
        )
        SELECT id, user_id FROM before JOIN touched USING (id)
        WHERE last_used_at IS NULL OR last_used_at < date_trunc('day', at, 'UTC')
        """,
        (rows(uses),),
    )
    return [(row[0], row[1]) for row in found]


def all_keys(conn: Connection[Any]) -> list[ApiKey]:
    with conn.cursor(row_factory=class_row(ApiKey)) as cursor:
        return cursor.execute(
            """
            SELECT k.id, u.username, k.name, k.prefix, k.scopes, k.expires_at, k.revoked_at, k.last_used_at
            FROM api_keys k JOIN users u ON u.id = k.user_id ORDER BY k.id
            """
        ).fetchall()
