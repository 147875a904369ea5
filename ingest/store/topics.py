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


def every(conn: Connection[Any]) -> list[Topic]:
    with conn.cursor(row_factory=class_row(Topic)) as cursor:
        return cursor.execute(
            """
            SELECT id, source, kind, query, cadence_seconds, max_pages, paused FROM topics
            ORDER BY source, kind, query
            """
        ).fetchall()


def add(
    conn: Connection[Any], *, source: str, kind: str, query: str, cadence_seconds: int, max_pages: int = 1
) -> int | None:
    """Pull something more on a cadence; returns its id, None when it is there already."""
    row = conn.execute(
        """
        INSERT INTO topics (source, kind, query, cadence_seconds, max_pages) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (source, kind, query) DO NOTHING RETURNING id
        """,
        (source, kind, query, cadence_seconds, max_pages),
    ).fetchone()
    return row[0] if row else None


def id_of(conn: Connection[Any], *, source: str, kind: str, query: str) -> int | None:
    row = conn.execute(
        "SELECT id FROM topics WHERE (source, kind, query) = (%s, %s, %s)", (source, kind, query)
    ).fetchone()
    return row[0] if row else None


def pause(conn: Connection[Any], topic_id: int, *, paused: bool) -> bool:
    """False when it was so already."""
    return bool(
        conn.execute(
            "UPDATE topics SET paused = %s WHERE id = %s AND paused <> %s", (paused, topic_id, paused)
        ).rowcount
    )
