"""The audit log: sign-ins, key use, roles and deletions."""

from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb


def insert(
    conn: Connection[Any],
    action: str,
    at: datetime,
    *,
    user_id: int | None,
    request_id: str | None = None,
    **detail: Any,
) -> None:
    """Note what happened. detail: ids and names of things, never a secret."""
    conn.execute(
        "INSERT INTO audit_log (at, user_id, action, detail, request_id) VALUES (%s, %s, %s, %s, %s)",
        (at, user_id, action, Jsonb(detail), request_id),
    )


def drop_before(conn: Connection[Any], at: datetime) -> int:
    """Forget old entries; returns how many."""
    return conn.execute("DELETE FROM audit_log WHERE at < %s", (at,)).rowcount
