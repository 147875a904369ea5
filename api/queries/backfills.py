"""Backfills: what operators asked for, and how far each source is."""

from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

_COLUMNS: Final = (
    "id, state, requested_by, sources, query, gaps, window_from, window_to, created_at, finished_at"
)
_NEWEST: Final = f"SELECT {_COLUMNS} FROM backfills WHERE id < %s ORDER BY id DESC LIMIT %s"  # noqa: S608 - constants
_ONE: Final = f"SELECT changed_at, {_COLUMNS} FROM backfills WHERE id = %s"  # noqa: S608 - constants
_PROGRESS: Final = """
    SELECT s.source, count(*), count(*) FILTER (WHERE s.state = 'done'), count(*) FILTER (WHERE s.state = 'failed'),
           sum(s.pages)::int, sum(s.expected_calls)::int,
           coalesce(sum(greatest(s.expected_calls - s.pages, 1)) FILTER (WHERE s.state = 'waiting'), 0)::int,
           coalesce(sum(f.fetched), 0)::int, coalesce(sum(f.stored), 0)::int,
           min(s.retry_at) FILTER (WHERE s.state = 'waiting'),
           (array_agg(s.reason ORDER BY s.retry_at, s.id)
               FILTER (WHERE s.state = 'waiting' AND s.retry_at IS NOT NULL))[1],
           (array_agg(s.reason ORDER BY s.id) FILTER (WHERE s.state = 'failed'))[1]
    FROM backfill_slices s LEFT JOIN fetches f ON f.id = 'slice-' || s.id || ':' || s.source
    WHERE s.backfill_id = %s GROUP BY s.source ORDER BY s.source
"""


class Backfill(msgspec.Struct, frozen=True, kw_only=True):
    """state: running, paused, done, failed (some slice is) or cancelled; query: null for the topics of the sources."""

    id: int
    state: str
    requested_by: str
    sources: list[str]
    query: str | None
    gaps: bool
    since: datetime
    until: datetime
    created_at: datetime
    finished_at: datetime | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One source. pages: calls that brought something; calls_left: expected of what waits; retry_at, reason: until
    when it waits, and why; failed_reason: why the failed slices were given up, the first one's.
    """

    source: str
    slices: int
    done: int
    failed: int
    pages: int
    expected_calls: int
    calls_left: int
    fetched: int
    stored: int
    retry_at: datetime | None
    reason: str | None
    failed_reason: str | None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill and how far it is. changed_at: when its state began."""

    backfill: Backfill
    changed_at: datetime
    progress: list[Progress]


async def newest(connection: AsyncConnection[Any], before: int, count: int) -> list[Backfill]:
    rows = await (await connection.execute(_NEWEST, (before, count))).fetchall()
    return [Backfill(**dict(zip(Backfill.__struct_fields__, row, strict=True))) for row in rows]


async def status(connection: AsyncConnection[Any], backfill_id: int) -> Found | None:
    row = await (await connection.execute(_ONE, (backfill_id,))).fetchone()
    if row is None:
        return None
    rows = await (await connection.execute(_PROGRESS, (backfill_id,))).fetchall()
    changed_at, *fields = row
    return Found(
        backfill=Backfill(**dict(zip(Backfill.__struct_fields__, fields, strict=True))),
        changed_at=changed_at,
        progress=[Progress(**dict(zip(Progress.__struct_fields__, each, strict=True))) for each in rows],
    )
