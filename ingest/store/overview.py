"""What an operator's status screen shows, and the gauges measure."""

from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The last live pull of a source and the newest article it gave; backfills say nothing about freshness.

    The same lags as in api.queries.sources.
    """

    source: str
    outcome: str
    last_success_at: datetime | None
    newest_published_at: datetime | None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A pull that did not go well."""

    at: datetime
    source: str
    outcome: str
    reason: str | None


def sources(conn: Connection[Any]) -> list[Source]:
    with conn.cursor(row_factory=class_row(Source)) as cursor:
        return cursor.execute(
            """
            SELECT t.source, coalesce(last.outcome, 'never_asked') AS outcome, good.finished_at AS last_success_at,
                   newest.at AS newest_published_at
            FROM (SELECT DISTINCT source FROM topics) t
            LEFT JOIN LATERAL (
                SELECT outcome FROM fetches
                WHERE source = t.source AND outcome <> 'running' AND window_from IS NULL
                ORDER BY started_at DESC LIMIT 1
            ) last ON true
            LEFT JOIN LATERAL (
                SELECT finished_at FROM fetches WHERE source = t.source AND outcome = 'ok' AND window_from IS NULL
                ORDER BY started_at DESC LIMIT 1
            ) good ON true
            LEFT JOIN LATERAL (
                SELECT max(newest_published_at) AS at FROM (
                    SELECT newest_published_at FROM fetches
                    WHERE source = t.source AND window_from IS NULL AND newest_published_at IS NOT NULL
                    ORDER BY started_at DESC LIMIT 500
                ) f
            ) newest ON true
            ORDER BY t.source
            """
        ).fetchall()


def errors(conn: Connection[Any], count: int) -> list[Failure]:
    """The last ones of the last day."""
    with conn.cursor(row_factory=class_row(Failure)) as cursor:
        return cursor.execute(
            """
            SELECT finished_at AS at, source, outcome, reason FROM fetches
            WHERE outcome NOT IN ('ok', 'running') AND finished_at > now() - interval '1 day'
            ORDER BY finished_at DESC LIMIT %s
            """,
            (count,),
        ).fetchall()


def quarantined(conn: Connection[Any]) -> int:
    row = conn.execute("SELECT count(*) FROM quarantine").fetchone()
    return int(row[0]) if row else 0
