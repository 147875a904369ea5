"""Preferences: one JSON value per user and key."""

from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb


def upsert(conn: Connection[Any], user_id: int, key: str, value: Any, at: datetime) -> int:
    """Set it, whatever it was; returns its version."""
    row = conn.execute(
        """
        INSERT INTO user_preferences AS p (user_id, key, value, changed_at) VALUES (%s, %s, %s, %s)
        ON CONFLICT (user_id, key) DO UPDATE
        SET (value, changed_at, version) = (excluded.value, excluded.changed_at, p.version + 1)
        RETURNING version
        """,
        (user_id, key, Jsonb(value), at),
    ).fetchone()
    assert row is not None  # noqa: S101 - an upsert returns its row
    return int(row[0])


def update(
    conn: Connection[Any], user_id: int, key: str, value: Any, *, if_match: int, at: datetime
) -> int | None:
    """Returns the new version; None when it is not set or in another version."""
    row = conn.execute(
        """
        UPDATE user_preferences SET value = %s, changed_at = %s, version = version + 1
        WHERE user_id = %s AND key = %s AND version = %s RETURNING version
        """,
        (Jsonb(value), at, user_id, key, if_match),
    ).fetchone()
    return row[0] if row else None


def delete(conn: Connection[Any], user_id: int, key: str, if_match: int | None) -> int:
    """Returns how many rows went: 0 when it is not set or in another version."""
    return conn.execute(
        "DELETE FROM user_preferences WHERE user_id = %s AND key = %s AND (%s::int IS NULL OR version = %s)",
        (user_id, key, if_match, if_match),
    ).rowcount


def exists(conn: Connection[Any], user_id: int, key: str) -> bool:
    found = conn.execute("SELECT FROM user_preferences WHERE user_id = %s AND key = %s", (user_id, key))
    return found.fetchone() is not None
