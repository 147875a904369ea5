"""Quarantine: items that could not be understood, with their originals."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from ingest.article import Quarantined


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An item as it came, and why it is here. fetch_id: of the pull that brought it."""

    id: int
    source: str
    reason: str
    detail: str
    original: bytes
    fetch_id: str | None
    first_seen_at: datetime


def listed(
    conn: Connection[Any], *, source: str | None, reason: str | None, before: int, count: int
) -> list[Kept]:
    """The newest with an id below `before`, all sources and reasons by default."""
    with conn.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(
            """
            SELECT id, source, reason, detail, original, fetch_id, first_seen_at FROM quarantine
            WHERE id < %(before)s AND (%(source)s::text IS NULL OR source = %(source)s)
              AND (%(reason)s::text IS NULL OR reason = %(reason)s)
            ORDER BY id DESC LIMIT %(count)s
            """,
            {"source": source, "reason": reason, "before": before, "count": count},
        ).fetchall()


def get(conn: Connection[Any], ids: Collection[int]) -> list[Kept]:
    with conn.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(
            """
            SELECT id, source, reason, detail, original, fetch_id, first_seen_at FROM quarantine
            WHERE id = ANY(%s) ORDER BY id
            """,
            (list(ids),),
        ).fetchall()


def delete(conn: Connection[Any], ids: Collection[int]) -> int:
    """Returns how many were there."""
    return conn.execute("DELETE FROM quarantine WHERE id = ANY(%s)", (list(ids),)).rowcount


def insert(conn: Connection[Any], items: Sequence[Quarantined], fetch_id: str, at: datetime) -> None:
    """Keep each item once, as it first came, however often the upstream sends it."""
    if not items:
        return
    with conn.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO quarantine (source, digest, reason, detail, original, fetch_id, first_seen_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (source, digest) DO NOTHING
            """,
            [(i.source, _digest(i), i.reason, _storable(i.detail), i.original, fetch_id, at) for i in items],
        )


def _digest(item: Quarantined) -> bytes:
    """Of its id, where it has one: its votes and comments are others each time."""
    return hashlib.sha256((item.identity or "").encode() or item.original).digest()


def _storable(detail: str) -> str:
    """A sentence may quote what was wrong: PostgreSQL takes neither NUL nor half a surrogate pair."""
    return detail.replace("\0", "").encode("utf-8", "replace").decode()
