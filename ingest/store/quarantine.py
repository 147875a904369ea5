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
                (i.source, hashlib.sha256(i.original).digest(), i.reason, i.detail, i.original, fetch_id, at)
                for i in items
            ],
        )
