"""Quarantine: items that could not be understood, with their originals."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from ingest.article import Quarantined


def insert(conn: Connection[Any], items: Sequence[Quarantined], fetch_id: str, at: datetime) -> None:
    """Keep each item once, however often the upstream sends it."""
    if not items:
        return
    with conn.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO quarantine (source, digest, reason, detail, original, fetch_id, first_seen_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (source, digest) DO NOTHING
            """,
            [
                (i.source, _digest(i.original), i.reason, _storable(i.detail), i.original, fetch_id, at)
                for i in items
            ],
        )


def _digest(original: bytes) -> bytes:
    return hashlib.sha256(original).digest()


def _storable(detail: str) -> str:
    """A sentence may quote what was wrong: PostgreSQL takes neither NUL nor half a surrogate pair."""
    return detail.replace("\0", "").encode("utf-8", "replace").decode()
