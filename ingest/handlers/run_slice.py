"""RunSlice: one page of a backfill, by the path that every page takes.

    next slice ──▶ pull one page ──▶ pipeline ──▶ note where the next page starts ──▶ backfill over?
       │                └── no page: again later (budget, circuit: for as long as it takes), or given up
       └── the source no longer has its time: closed

Killed anywhere, the page is fetched again: what is in the archive then changes nothing.
"""

from datetime import datetime, timedelta
from typing import Final

import redis
import structlog

from ingest.article import Outcome
from ingest.backfill.slices import Period, reach, reachable
from ingest.handlers.pulling import pull_source
from ingest.pipeline.run import run
from ingest.ports import Connection, Ports, Priority, Pull
from ingest.store import backfills
from ingest.store.backfills import SOURCE_WAITS, Backfill, DueSlice
from shared import keys
from shared.commands import RunSlice
from shared.errors import BadAnswerError, SourceError
from shared.pace import RECENT

# Of all pages of a slice: after a bad answer it begins afresh, so a page that comes is perhaps an earlier one.
MAX_ATTEMPTS: Final = 8
_PAUSE: Final = timedelta(seconds=60)
# Sources speak in seconds and count both ends of a window.
_LAST_SECOND: Final = timedelta(seconds=1)

_log = structlog.get_logger("backfill")


def run_slice(command: RunSlice, ports: Ports, _command_id: str) -> None:
    """Does nothing while another worker is at this source."""
    with ports.database.connection() as turn:
        if not backfills.take_turn(turn, command.source):
            return
        try:
            due = backfills.next_slice(turn, command.source, ports.clock())
            if due is not None and (due.retry_at is None or due.retry_at <= ports.clock()):
                _slice(due, ports)
        finally:
            backfills.end_turn(turn, command.source)
    _handled(command, ports)


def _slice(due: DueSlice, ports: Ports) -> None:
    # Here and not by who sent the command: a command names a source, which slice is next is decided now.
    structlog.contextvars.bind_contextvars(
        request_id=f"backfill-{due.backfill_id}", backfill_id=due.backfill_id, slice_id=due.id
    )
    plan, at = ports.settings.newsapi_plan, ports.clock()
    window = reachable(due.source, (due.window_from, due.window_to), plan, at)
    if window is not None:
        _page(due, window, ports)
        return
    with ports.database.connection() as conn, conn.transaction():
        backfill = backfills.lock(conn, due.backfill_id)
        reason = f"{due.source} has nothing before {reach(plan, at):%Y-%m-%d} on the plan {plan!r}"
        backfills.out_of_reach(conn, due.id, reason, at)
        _settle(conn, backfill, at)


def _page(due: DueSlice, window: Period, ports: Ports) -> None:
    since, until = window
    fetch_id = f"slice-{due.id}:{due.source}"

    def on_page(items: list[Outcome]) -> bool:
        run(items, fetch_id, ports)
        return True

    pull = Pull(
        kind=due.kind,
        query=due.query,
        since=since,
        until=max(since, until - _LAST_SECOND),
        after=due.cursor,
        priority=Priority.BACKFILL,
    )
    pulled = pull_source(ports, due.source, pull, fetch_id, on_page, topic_id=due.topic_id)
    at = ports.clock()
    with ports.database.connection() as conn, conn.transaction():
        # Before its slices, as whoever steers it does; perhaps it was cancelled meanwhile.
        backfill = backfills.lock(conn, due.backfill_id)
        if pulled.error is None:
            backfills.page_done(conn, due.id, pulled.cursor, at)
        else:
            retry_at = _retry_at(pulled.error, due, at)
            backfills.page_missed(
                conn,
                due.id,
                outcome=pulled.error.code,
                reason=pulled.error.message,
                attempts=due.attempts + (not isinstance(pulled.error, SOURCE_WAITS)),
                retry_at=retry_at,
                # Perhaps the item from which it went on was withdrawn.
                afresh=isinstance(pulled.error, BadAnswerError),
                at=at,
            )
        _settle(conn, backfill, at)
    if pulled.error is None:
        _count(due, ports, at)


def _settle(conn: Connection, backfill: Backfill | None, at: datetime) -> None:
    if backfill and backfill.state in {"running", "paused"}:
        backfills.settle(conn, backfill.id, at)


def _count(due: DueSlice, ports: Ports, at: datetime) -> None:
    """For the rate that operators are shown."""
    key, now = keys.backfill_pages(due.backfill_id, due.source), at.timestamp()
    try:
        with ports.redis.pipeline(transaction=True) as both:
            both.zadd(key, {f"{due.id}:{now}": now})
            both.zremrangebyscore(key, "-inf", now - RECENT.total_seconds())
            both.expire(key, RECENT)
            both.execute()
    except redis.RedisError as error:
        _log.warning("page_not_counted", error=str(error))


def _retry_at(error: SourceError, due: DueSlice, at: datetime) -> datetime | None:
    if not error.retryable:
        return None
    if isinstance(error, SOURCE_WAITS):
        return error.retry_at or at + _PAUSE
    if due.attempts + 1 >= MAX_ATTEMPTS:
        return None
    pause: timedelta = _PAUSE * 2**due.attempts
    return max(error.retry_at or at, at + pause)


def _handled(command: RunSlice, ports: Ports) -> None:
    """The scheduler may send the next one."""
    try:
        ports.redis.delete(keys.slice_sent(command.source))
    except redis.RedisError as error:
        _log.warning("slice_not_noted", error=str(error))  # it lapses by itself
