"""Idempotency: what a write answered, under its user and key."""

from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from shared.errors import RefusedError
from shared.events import Refusal


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A write's row. answer and error both None: it is ours to carry out."""

    digest: bytes
    answer: bytes | None
    error: str | None

    @property
    def new(self) -> bool:
        return self.answer is None and self.error is None


def claim(conn: Connection[Any], user_id: int, key: str, digest: bytes, at: datetime) -> Claimed:
    """Take the key, or find what it answered; waits for another transaction that is about to answer.

    Raises RefusedError when there is no such user.
    """
    with conn.cursor(row_factory=class_row(Claimed)) as cursor:
        try:
            claimed = cursor.execute(
                """
                INSERT INTO idempotency AS i (user_id, key, digest, at) VALUES (%s, %s, %s, %s)
                ON CONFLICT (user_id, key) DO UPDATE SET at = i.at
                RETURNING digest, answer, error
                """,
                (user_id, key, digest, at),
            ).fetchone()
        except psycopg.errors.ForeignKeyViolation:
            raise RefusedError(Refusal.ACCOUNT_GONE) from None
    assert claimed is not None  # noqa: S101 - an upsert returns its row
    return claimed


def settle(conn: Connection[Any], user_id: int, key: str, *, answer: bytes | None, error: str | None) -> None:
    """Store the answer, in the transaction of the effect."""
    conn.execute(
        "UPDATE idempotency SET answer = %s, error = %s WHERE user_id = %s AND key = %s",
        (answer, error, user_id, key),
    )


def drop_before(conn: Connection[Any], at: datetime) -> int:
    """Forget old answers; returns how many."""
    return conn.execute("DELETE FROM idempotency WHERE at < %s", (at,)).rowcount
