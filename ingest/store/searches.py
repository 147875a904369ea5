"""Searches: what was asked, month by month."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from psycopg import Connection

from ingest.store.rows import rows
from shared.commands import Searched


def insert(conn: Connection[Any], searches: Iterable[Searched]) -> None:
    """Remember these; known ids change nothing."""
    conn.execute(
        """
        INSERT INTO search_history (id, user_id, query, results_count, searched_at)
        SELECT id, user_id, query, results_count, searched_at FROM json_to_recordset(%s)
            AS r (id uuid, user_id bigint, query text, results_count int, searched_at timestamptz)
        ON CONFLICT DO NOTHING
        """,
        (rows(searches),),
    )


def keep_month(conn: Connection[Any], month: date) -> None:
    """Have a partition for this month."""
    conn.execute("SELECT search_history_keep_month(%s)", (month,))


def drop_before(conn: Connection[Any], month: date) -> int:
    """Drop the months before this one; returns how many."""
    row = conn.execute("SELECT search_history_drop_before(%s)", (month,)).fetchone()
    return row[0] if row else 0
