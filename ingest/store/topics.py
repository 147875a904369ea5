"""Topics: what is pulled on a cadence."""

from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """See shared.tables.topics for the kinds."""

    id: int
    source: str
    kind: str
    query: str
    cadence_seconds: int
    max_pages: int
    paused: bool


def get(conn: Connection[Any], topic_id: int) -> Topic | None:
    with conn.cursor(row_factory=class_row(Topic)) as cursor:
        return cursor.execute(
            """
            SELECT id, source, kind, query, cadence_seconds, max_pages, paused FROM topics WHERE id = %s
            """,
            (topic_id,),
        ).fetchone()


def active(conn: Connection[Any]) -> list[Topic]:
    """All topics that are not paused."""
    with conn.cursor(row_factory=class_row(Topic)) as cursor:
        return cursor.execute(
            """
            SELECT id, source, kind, query, cadence_seconds, max_pages, paused
            FROM topics WHERE NOT paused ORDER BY id
            """
        ).fetchall()


def add(
    conn: Connection[Any], *, source: str, kind: str, query: str, cadence_seconds: int, max_pages: int = 1
) -> None:
    """Pull something more on a cadence; does nothing when it is there already."""
    conn.execute(
        """
        INSERT INTO topics (source, kind, query, cadence_seconds, max_pages) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (source, kind, query) DO NOTHING
        """,
        (source, kind, query, cadence_seconds, max_pages),
    )
