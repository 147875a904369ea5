"""Backfills and their slices: what was asked for, and how far each slice is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from ingest.store.rows import rows
from shared.errors import BudgetSpentError, CircuitOpenError, NoTurnError, RateLimitedError

# Any constant; with the source's name it is the lock of whoever fetches a slice.
_SLICES = 0x736C6963
# It is not the slice that is in the way: it waits, and is not counted as tried; and so wait all slices of its source.
SOURCE_WAITS: Final = (BudgetSpentError, NoTurnError, CircuitOpenError, RateLimitedError)
_SOURCE_WAITS: Final = [error.code for error in SOURCE_WAITS]
# The outcome of a slice that waited until its source no longer had its time.
OUT_OF_REACH: Final = "out_of_reach"


class Backfill(msgspec.Struct, frozen=True, kw_only=True):
    """See shared.tables.backfills. changed_at: when its state began."""

    id: int
    requested_by: str
    sources: list[str]
    query: str | None
    gaps: bool
    window_from: datetime
    window_to: datetime
    state: str
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None


class NewSlice(msgspec.Struct, frozen=True, kw_only=True):
    """A slice to be fetched."""

    source: str
    kind: str
    query: str
    topic_id: int | None
    window_from: datetime
    window_to: datetime
    expected_calls: int


class DueSlice(msgspec.Struct, frozen=True, kw_only=True):
    """The slice that is next. cursor: where its next page starts; attempts: its failures so far."""

    id: int
    backfill_id: int
    source: str
    kind: str
    query: str
    topic_id: int | None
    window_from: datetime
    window_to: datetime
    cursor: str | None
    attempts: int
    retry_at: datetime | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one source of a backfill is.

    pages: calls that brought something; expected: calls still to be made; retry_at, reason: of the waiting slice that
    is tried again first; failed_reason: of the failed slices the first.
    """

    source: str
    slices: int
    done: int
    failed: int
    pages: int
    expected: int
    fetched: int
    stored: int
    retry_at: datetime | None
    reason: str | None
    failed_reason: str | None


def insert(
    conn: Connection[Any],
    key: str,
    *,
    requested_by: str,
    sources: Sequence[str],
    query: str | None,
    gaps: bool,
    window: tuple[datetime, datetime],
    at: datetime,
) -> int | None:
    """Returns its id; None when there is one of this key."""
    row = conn.execute(
        """
        INSERT INTO backfills
            (key, requested_by, sources, query, gaps, window_from, window_to, created_at, changed_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING RETURNING id
        """,
        (key, requested_by, list(sources), query, gaps, *window, at, at),
    ).fetchone()
    return row[0] if row else None


def insert_slices(conn: Connection[Any], backfill_id: int, slices: Sequence[NewSlice]) -> None:
    """In the order in which they are to be fetched."""
    conn.execute(
        """
        INSERT INTO backfill_slices
            (backfill_id, source, kind, query, topic_id, window_from, window_to, expected_calls)
        SELECT %s, source, kind, query, topic_id, window_from, window_to, expected_calls
        FROM ROWS FROM (json_to_recordset(%s) AS (
            source text, kind text, query text, topic_id bigint, window_from timestamptz, window_to timestamptz,
            expected_calls int
        )) WITH ORDINALITY AS r (
            source, kind, query, topic_id, window_from, window_to, expected_calls, n
        ) ORDER BY n
        """,
        (backfill_id, rows(slices)),
    )


def of_key(conn: Connection[Any], key: str) -> Backfill | None:
    return _one(conn, "key", key)


def get(conn: Connection[Any], backfill_id: int) -> Backfill | None:
    return _one(conn, "id", backfill_id)


def lock(conn: Connection[Any], backfill_id: int) -> Backfill | None:
    """Nobody else changes it until the end of the transaction."""
    conn.execute("SELECT FROM backfills WHERE id = %s FOR NO KEY UPDATE", (backfill_id,))
    return get(conn, backfill_id)


def newest(conn: Connection[Any], count: int) -> list[Backfill]:
    with conn.cursor(row_factory=class_row(Backfill)) as cursor:
        return cursor.execute(
            """
            SELECT id, requested_by, sources, query, gaps, window_from, window_to, state, created_at, changed_at,
                   finished_at
            FROM backfills ORDER BY id DESC LIMIT %s
            """,
            (count,),
        ).fetchall()


def set_state(conn: Connection[Any], backfill_id: int, state: str, at: datetime) -> None:
    conn.execute(
        """
        UPDATE backfills SET state = %(state)s, changed_at = %(at)s,
            finished_at = CASE WHEN %(state)s IN ('done', 'failed', 'cancelled') THEN %(at)s::timestamptz END
        WHERE id = %(id)s
        """,
        {"id": backfill_id, "state": state, "at": at},
    )


def cancel_slices(conn: Connection[Any], backfill_id: int) -> None:
    """Those that are not over."""
    conn.execute(
        "UPDATE backfill_slices SET state = 'cancelled' WHERE backfill_id = %s AND state IN ('waiting', 'failed')",
        (backfill_id,),
    )


def revive_slices(conn: Connection[Any], backfill_id: int) -> None:
    """What failed waits again; what waits for an hour is tried at once."""
    conn.execute(
        """
        UPDATE backfill_slices SET state = 'waiting', attempts = 0, retry_at = NULL, finished_at = NULL
        WHERE backfill_id = %s AND state IN ('waiting', 'failed')
        """,
        (backfill_id,),
    )


def revive_failed(conn: Connection[Any], backfill_id: int) -> int:
    """What failed waits again, beside what waits already. Returns how many slices that are."""
    return conn.execute(
        """
        UPDATE backfill_slices SET state = 'waiting', attempts = 0, retry_at = NULL, finished_at = NULL
        WHERE backfill_id = %s AND state = 'failed'
        """,
        (backfill_id,),
    ).rowcount


def take_turn(conn: Connection[Any], source: str) -> bool:
    """Be the one who fetches slices of this source; it ends with the connection at the latest, however that ends."""
    row = conn.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_SLICES, source)).fetchone()
    return bool(row and row[0])


def end_turn(conn: Connection[Any], source: str) -> None:
    conn.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (_SLICES, source))


def next_slice(conn: Connection[Any], source: str, at: datetime) -> DueSlice | None:
    """The first that waits, of the oldest backfill that runs; perhaps its source's time has not come.

    One that is tried again later for a failure of its own is passed over until then.
    """
    with conn.cursor(row_factory=class_row(DueSlice)) as cursor:
        return cursor.execute(
            """
            SELECT s.id, s.backfill_id, s.source, s.kind, s.query, s.topic_id, s.window_from, s.window_to, s.cursor,
                   s.attempts, s.retry_at
            FROM backfill_slices s JOIN backfills b ON b.id = s.backfill_id
            WHERE s.source = %s AND s.state = 'waiting' AND b.state = 'running'
              AND (s.retry_at IS NULL OR s.retry_at <= %s OR s.outcome = ANY(%s))
            ORDER BY s.backfill_id, s.id LIMIT 1
            """,
            (source, at, _SOURCE_WAITS),
        ).fetchone()


def due_sources(conn: Connection[Any], at: datetime) -> list[str]:
    """Sources whose next slice may be fetched now."""
    found = conn.execute(
        """
        SELECT source FROM (
            SELECT DISTINCT ON (s.source) s.source, s.retry_at
            FROM backfill_slices s JOIN backfills b ON b.id = s.backfill_id
            WHERE s.state = 'waiting' AND b.state = 'running'
              AND (s.retry_at IS NULL OR s.retry_at <= %(at)s OR s.outcome = ANY(%(waits)s))
            ORDER BY s.source, s.backfill_id, s.id
        ) AS first WHERE retry_at IS NULL OR retry_at <= %(at)s
        """,
        {"at": at, "waits": _SOURCE_WAITS},
    )
    return [row[0] for row in found]


def page_done(conn: Connection[Any], slice_id: int, cursor: str | None, at: datetime) -> None:
    """A page is in the archive. cursor: where the next one starts; None: it was the last."""
    conn.execute(
        """
        UPDATE backfill_slices
        SET pages = pages + 1, cursor = %(cursor)s, outcome = 'ok', reason = NULL, retry_at = NULL,
            state = CASE WHEN %(cursor)s::text IS NULL THEN 'done' ELSE 'waiting' END,
            finished_at = CASE WHEN %(cursor)s::text IS NULL THEN %(at)s::timestamptz END
        WHERE id = %(id)s AND state = 'waiting'
        """,
        {"id": slice_id, "cursor": cursor, "at": at},
    )


def page_missed(
    conn: Connection[Any],
    slice_id: int,
    *,
    outcome: str,
    reason: str,
    attempts: int,
    retry_at: datetime | None,
    afresh: bool,
    at: datetime,
) -> None:
    """A page could not be had. retry_at: None gives the slice up; afresh: its next try begins with the first page."""
    conn.execute(
        """
        UPDATE backfill_slices
        SET outcome = %(outcome)s, reason = %(reason)s, attempts = %(attempts)s, retry_at = %(retry_at)s,
            cursor = CASE WHEN %(afresh)s THEN NULL ELSE cursor END,
            state = CASE WHEN %(retry_at)s::timestamptz IS NULL THEN 'failed' ELSE 'waiting' END,
            finished_at = CASE WHEN %(retry_at)s::timestamptz IS NULL THEN %(at)s::timestamptz END
        WHERE id = %(id)s AND state = 'waiting'
        """,
        {
            "id": slice_id,
            "outcome": outcome,
            "reason": reason,
            "attempts": attempts,
            "retry_at": retry_at,
            "afresh": afresh,
            "at": at,
        },
    )


def out_of_reach(conn: Connection[Any], slice_id: int, reason: str, at: datetime) -> None:
    """Close it: its source does not have its time any more, so that to try it again would be in vain."""
    conn.execute(
        """
        UPDATE backfill_slices SET state = 'done', outcome = %s, reason = %s, retry_at = NULL, finished_at = %s
        WHERE id = %s AND state = 'waiting'
        """,
        (OUT_OF_REACH, reason, at, slice_id),
    )


def settle(conn: Connection[Any], backfill_id: int, at: datetime) -> None:
    """A backfill of which no slice waits is over."""
    row = conn.execute(
        """
        SELECT count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'failed')
        FROM backfill_slices WHERE backfill_id = %s
        """,
        (backfill_id,),
    ).fetchone()
    if row and not row[0]:
        set_state(conn, backfill_id, "failed" if row[1] else "done", at)


def progress(conn: Connection[Any], backfill_id: int) -> list[Progress]:
    """By source."""
    with conn.cursor(row_factory=class_row(Progress)) as cursor:
        return cursor.execute(
            """
            SELECT s.source, count(*) AS slices, count(*) FILTER (WHERE s.state = 'done') AS done,
                   count(*) FILTER (WHERE s.state = 'failed') AS failed, sum(s.pages)::int AS pages,
                   coalesce(sum(greatest(s.expected_calls - s.pages, 1)) FILTER (WHERE s.state = 'waiting'), 0)::int
                       AS expected,
                   coalesce(sum(f.fetched), 0)::int AS fetched, coalesce(sum(f.stored), 0)::int AS stored,
                   min(s.retry_at) FILTER (WHERE s.state = 'waiting') AS retry_at,
                   (array_agg(s.reason ORDER BY s.retry_at, s.id)
                       FILTER (WHERE s.state = 'waiting' AND s.retry_at IS NOT NULL))[1] AS reason,
                   (array_agg(s.reason ORDER BY s.id) FILTER (WHERE s.state = 'failed'))[1] AS failed_reason
            FROM backfill_slices s LEFT JOIN fetches f ON f.id = 'slice-' || s.id || ':' || s.source
            WHERE s.backfill_id = %s GROUP BY s.source ORDER BY s.source
            """,
            (backfill_id,),
        ).fetchall()


def _one(conn: Connection[Any], column: str, value: object) -> Backfill | None:
    with conn.cursor(row_factory=class_row(Backfill)) as cursor:
        return cursor.execute(
            f"""
            SELECT id, requested_by, sources, query, gaps, window_from, window_to, state, created_at, changed_at,
                   finished_at
            FROM backfills WHERE {column} = %s
            """,  # noqa: S608 - the column is a constant
            (value,),
        ).fetchone()
