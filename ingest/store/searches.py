"""Searches: what was asked, month by month."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from ingest.store.rows import rows
from shared.commands import Searched


def insert(conn: Connection[Any], searches: Iterable[Searched]) -> None:
    """Remember these, in a transaction; known ids change nothing.

    Whose account is gone or whose history is off is not remembered: the search counts, without the user.
    """
    searches = list(searches)
    asked = {s.user_id for s in searches if s.user_id is not None}
    remembered = _remembered(conn, asked) if asked else set()
    searches = [s if s.user_id in remembered else msgspec.structs.replace(s, user_id=None) for s in searches]
    conn.execute(
        """
        INSERT INTO search_history (id, user_id, query, results_count, searched_at)
        SELECT id, user_id, query, results_count, searched_at FROM json_to_recordset(%s)
            AS r (id uuid, user_id bigint, query text, results_count int, searched_at timestamptz)
        ON CONFLICT DO NOTHING
        """,
        (rows(searches),),
    )


def _remembered(conn: Connection[Any], user_ids: Collection[int]) -> set[int]:
    """Whose searches are kept. A deletion waits for the transaction and then finds what it stored."""
    found = conn.execute(
        """
        SELECT id FROM users WHERE id = ANY(%s) AND NOT EXISTS (
            SELECT FROM user_preferences WHERE user_id = users.id AND key = 'search_history' AND value = 'false'
        ) FOR KEY SHARE
        """,
        (list(user_ids),),
    )
    return {row[0] for row in found}


def delete(conn: Connection[Any], user_id: int, search_id: UUID | None) -> int:
    """Forget one search of the user, or all; returns how many."""
    return conn.execute(
        "DELETE FROM search_history WHERE user_id = %s AND (%s::uuid IS NULL OR id = %s)",
        (user_id, search_id, search_id),
    ).rowcount


def keep_month(conn: Connection[Any], month: date) -> None:
    """Have a partition for this month."""
    conn.execute("SELECT search_history_keep_month(%s)", (month,))


def drop_before(conn: Connection[Any], month: date) -> int:
    """Drop the months before this one; returns how many. What never got a month of its own goes by the row."""
    row = conn.execute("SELECT search_history_drop_before(%s)", (month,)).fetchone()
    conn.execute("DELETE FROM search_history WHERE searched_at < date_trunc('month', %s::date)", (month,))
    return row[0] if row else 0
