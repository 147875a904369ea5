"""Fetches: one row per pull; its counts grow in the transactions that store the items."""

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from ingest.article import Written


def begin(
    conn: Connection[Any],
    fetch_id: str,
    *,
    source: str,
    topic_id: int | None,
    query: str | None,
    window: tuple[datetime | None, datetime | None],
    at: datetime,
) -> datetime:
    """Open a row, or open it again when a command is repeated: its counts go on. Returns when it was first opened."""
    opened = conn.execute(
        """
        INSERT INTO fetches (id, source, topic_id, query, window_from, window_to, outcome, started_at)
        VALUES (%s, %s, %s, %s, %s, %s, 'running', %s)
        ON CONFLICT (id) DO UPDATE SET outcome = 'running', reason = NULL, finished_at = NULL
        RETURNING started_at
        """,
        (fetch_id, source, topic_id, query, *window, at),
    ).fetchone()
    assert opened is not None  # noqa: S101 - an upsert returns its row
    started_at: datetime = opened[0]
    return started_at


def add_page(conn: Connection[Any], fetch_id: str) -> None:
    """Count an answer of the source."""
    conn.execute("UPDATE fetches SET pages = pages + 1 WHERE id = %s", (fetch_id,))


def add_counts(conn: Connection[Any], fetch_id: str, written: Written, newest: datetime | None) -> None:
    """Add what one batch did; in the batch's own transaction, so that the sums hold whatever is killed when."""
    conn.execute(
        """
        UPDATE fetches
        SET fetched = fetched + %s, stored = stored + %s, merged = merged + %s, quarantined = quarantined + %s,
            newest_published_at = GREATEST(newest_published_at, %s),
            discarded = (
                SELECT coalesce(jsonb_object_agg(reason, count), '{}') FROM (
                    SELECT key AS reason, sum(value::int) AS count FROM (
                        SELECT * FROM jsonb_each_text(discarded)
                        UNION ALL SELECT * FROM jsonb_each_text(%s)
                    ) AS both_of_them GROUP BY key
                ) AS sums
            )
        WHERE id = %s
        """,
        (
            written.fetched,
            written.stored,
            written.merged,
            written.quarantined,
            newest,
            Jsonb(written.discarded),
            fetch_id,
        ),
    )


def finish(conn: Connection[Any], fetch_id: str, *, outcome: str, reason: str | None, at: datetime) -> None:
    """Close a row. outcome: ok or the code of a shared.errors.SourceError; reason: a sentence."""
    conn.execute(
        "UPDATE fetches SET outcome = %s, reason = %s, finished_at = %s WHERE id = %s",
        (outcome, reason, at, fetch_id),
    )


def drop_before(conn: Connection[Any], before: datetime) -> int:
    """Drop pulls of the cadence, but the newest success of each source: it tells how long ago that was."""
    return conn.execute(
        """
        DELETE FROM fetches WHERE window_from IS NULL AND started_at < %s AND id NOT IN (
            SELECT good.id FROM (SELECT DISTINCT source FROM topics) t, LATERAL (
                SELECT id FROM fetches WHERE source = t.source AND outcome = 'ok' AND window_from IS NULL
                ORDER BY started_at DESC LIMIT 1
            ) good
        )
        """,
        (before,),
    ).rowcount


def successes(
    conn: Connection[Any], topic_id: int, window: tuple[datetime, datetime], late: timedelta
) -> tuple[list[datetime], list[tuple[datetime, datetime]]]:
    """When a topic's cadence was pulled within the window, and which times of publication backfills bring.

    Whole, or will: a slice waits only in a backfill that runs or is paused.
    late: by so much the source delivers later than it is published.
    """
    pulled = conn.execute(
        """
        SELECT started_at FROM fetches
        WHERE topic_id = %s AND outcome = 'ok' AND window_from IS NULL AND started_at BETWEEN %s AND %s
        """,
        (topic_id, *window),
    ).fetchall()
    filled = conn.execute(
        """
        SELECT window_from, least(window_to, finished_at - %s) FROM backfill_slices
        WHERE topic_id = %s AND (state = 'waiting' OR (state = 'done' AND outcome = 'ok'))
        """,
        (late, topic_id),
    ).fetchall()
    return [row[0] for row in pulled], [(row[0], row[1]) for row in filled]


def stored_per_day(conn: Connection[Any], since: datetime) -> dict[int, float]:
    """New articles a day of each topic's cadence, over the days that it has run."""
    found = conn.execute(
        """
        SELECT topic_id, sum(stored) / greatest(1, extract(epoch FROM max(started_at) - min(started_at)) / 86400)
        FROM fetches WHERE topic_id IS NOT NULL AND window_from IS NULL AND started_at >= %s GROUP BY topic_id
        """,
        (since,),
    )
    return {row[0]: float(row[1]) for row in found}


def caught_up(conn: Connection[Any], topic_id: int, fetch_id: str) -> bool:
    """Whether the topic's last pull came to its end and this one starts afresh.

    Only then does a page without news mean that all older pages are known, too.
    """
    row = conn.execute(
        """
        SELECT outcome = 'ok' AND NOT EXISTS (SELECT FROM fetches WHERE id = %(id)s)
        FROM fetches WHERE topic_id = %(topic)s AND id <> %(id)s AND window_from IS NULL
        ORDER BY started_at DESC LIMIT 1
        """,
        {"topic": topic_id, "id": fetch_id},
    ).fetchone()
    return bool(row and row[0])
