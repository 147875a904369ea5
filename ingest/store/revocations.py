"""Revocations: Reddit tokens (sealed) that Reddit has yet to be told to end. They belong to nobody any more."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    token: bytes


def insert(conn: Connection[Any], revocation: Revocation, at: datetime) -> None:
    conn.execute(
        "INSERT INTO revocations (id, token, added_at) VALUES (%s, %s, %s)",
        (revocation.id, revocation.token, at),
    )


def take(conn: Connection[Any], after: UUID | None) -> Revocation | None:
    """The next one that nobody else is at, by id; locked until the end of the transaction."""
    with conn.cursor(row_factory=class_row(Revocation)) as cursor:
        return cursor.execute(
            """
            SELECT id, token FROM revocations WHERE %s::uuid IS NULL OR id > %s
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
            """,
            (after, after),
        ).fetchone()


def reseal(conn: Connection[Any], revocation: Revocation) -> None:
    conn.execute("UPDATE revocations SET token = %s WHERE id = %s", (revocation.token, revocation.id))


def everything(conn: Connection[Any]) -> list[Revocation]:
    with conn.cursor(row_factory=class_row(Revocation)) as cursor:
        return cursor.execute("SELECT id, token FROM revocations ORDER BY id").fetchall()


def delete(conn: Connection[Any], revocation_id: UUID) -> None:
    conn.execute("DELETE FROM revocations WHERE id = %s", (revocation_id,))
