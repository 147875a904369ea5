"""Backfills as operators steer them: plan, start, pause, resume, cancel."""

from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from ingest.backfill.gaps import gaps
from ingest.backfill.plan import Limits, Planned, live_calls, plan, summary
from ingest.backfill.slices import Period, Slice, Target, late
from ingest.backfill.spare import calls_per_day
from ingest.handlers.answering import answered
from ingest.ports import Connection, Ports
from ingest.sources.registry import configured, ledgers
from ingest.store import audit, backfills, fetches, topics
from ingest.store.backfills import Backfill, NewSlice
from ingest.store.topics import Topic
from shared.commands import (
    CancelBackfill,
    ChangeBackfill,
    PauseBackfill,
    PlanBackfill,
    ResumeBackfill,
    StartBackfill,
)
from shared.errors import RefusedError
from shared.events import BackfillChanged, BackfillPlan, Refusal

# Weeks of a decade for some forty topics; more is a mistake in a date.
MAX_SLICES: Final = 20_000
# By so much a sender's clock may be ahead of ours.
_SKEW: Final = timedelta(minutes=5)
# From this many days of a topic's pulls is told how much it brings a day.
_RECENT = timedelta(days=30)

_log = structlog.get_logger("backfill")


def plan_backfill(command: PlanBackfill, ports: Ports, command_id: str) -> None:
    answered(ports, command_id, lambda: planned_answer(command, ports))


def planned_answer(command: PlanBackfill, ports: Ports) -> BackfillPlan:
    """What the command would take. Raises RefusedError."""
    limits, planned = _plan(command, ports)
    return summary(planned, limits)


def start_backfill(command: StartBackfill, ports: Ports, command_id: str) -> None:
    answered(ports, command_id, partial(_start, command, ports))


def pause_backfill(command: PauseBackfill, ports: Ports, command_id: str) -> None:
    answered(ports, command_id, lambda: _change(command, ports, {"running"}, "paused"))


def resume_backfill(command: ResumeBackfill, ports: Ports, command_id: str) -> None:
    answered(ports, command_id, lambda: _change(command, ports, {"paused", "failed"}, "running"))


def cancel_backfill(command: CancelBackfill, ports: Ports, command_id: str) -> None:
    answered(ports, command_id, lambda: _change(command, ports, {"running", "paused", "failed"}, "cancelled"))


def _start(command: StartBackfill, ports: Ports) -> BackfillChanged:
    with ports.database.connection() as conn:
        if known := backfills.of_key(conn, command.key):
            return _same(known, command)
    limits, planned = _plan(command, ports)
    if not planned.slices:
        raise RefusedError(Refusal.NOTHING_TO_DO)
    slices = [each for each in planned.slices if limits.calls_per_day[each.target.source]]
    if not slices:
        raise RefusedError(Refusal.NO_BUDGET)
    at = ports.clock()
    with ports.database.connection() as conn, conn.transaction():
        backfill_id = backfills.insert(
            conn,
            command.key,
            requested_by=command.requested_by,
            sources=command.sources,
            query=command.query,
            gaps=command.gaps,
            window=(command.since, command.until),
            at=at,
        )
        if backfill_id is not None:
            backfills.insert_slices(conn, backfill_id, [_row(each) for each in slices])
            _note(conn, command, "backfill_started", backfill_id, ports)
    if backfill_id is None:  # the same request, at the same moment
        return _start(command, ports)
    _name(backfill_id)
    _log.info("backfill_started")
    return BackfillChanged(backfill_id=backfill_id, state="running", created=True)


def _same(known: Backfill, command: StartBackfill) -> BackfillChanged:
    asked = (known.sources, known.query, known.gaps, known.window_from, known.window_to)
    if asked != (command.sources, command.query, command.gaps, command.since, command.until):
        raise RefusedError(Refusal.IDEMPOTENCY_MISMATCH)
    _name(known.id)
    return BackfillChanged(backfill_id=known.id, state=known.state)


def _change(command: ChangeBackfill, ports: Ports, before: set[str], state: str) -> BackfillChanged:
    at = ports.clock()
    _name(command.backfill_id)
    with ports.database.connection() as conn, conn.transaction():
        known = backfills.lock(conn, command.backfill_id)
        if known is None:
            raise RefusedError(Refusal.NOT_FOUND)
        if known.state not in {*before, state}:
            raise RefusedError(Refusal.WRONG_STATE)
        changed = known.state != state
        if changed:
            backfills.set_state(conn, known.id, state, at)
            if state == "running":
                backfills.revive_slices(conn, known.id)
            if state == "cancelled":
                backfills.cancel_slices(conn, known.id)
        elif state == "running":
            changed = backfills.revive_failed(conn, known.id) > 0
        if changed:
            _note(conn, command, f"backfill_{state}", known.id, ports)
    if changed:
        _log.info(f"backfill_{state}")
    return BackfillChanged(backfill_id=command.backfill_id, state=state)


def _name(backfill_id: int) -> None:
    """In every further line of this request: it leads to the backfill's pages, whose lines have an id of their own."""
    structlog.contextvars.bind_contextvars(backfill_id=backfill_id)


def _note(
    conn: Connection, command: StartBackfill | ChangeBackfill, action: str, backfill_id: int, ports: Ports
) -> None:
    audit.insert(
        conn, action, ports.clock(), user_id=None, backfill_id=backfill_id, requested_by=command.requested_by
    )


def _plan(command: PlanBackfill, ports: Ports) -> tuple[Limits, Planned]:
    if command.until > ports.clock() + _SKEW:
        raise RefusedError(Refusal.IN_THE_FUTURE)
    with ports.database.connection() as conn:
        every = topics.active(conn)
        wanted = _wanted(command, every, conn, ports)
    limits = _limits(every, ports)
    planned = plan(wanted, limits, ports.clock())
    if len(planned.slices) > MAX_SLICES:
        raise RefusedError(Refusal.TOO_LARGE)
    return limits, planned


def _wanted(
    command: PlanBackfill, every: list[Topic], conn: Connection, ports: Ports
) -> list[tuple[Target, Period]]:
    window = (command.since, min(command.until, ports.clock()))
    if window[0] >= window[1]:
        return []
    if command.query is not None:
        return [(Target(source=name, kind="query", query=command.query), window) for name in command.sources]
    daily = fetches.stored_per_day(conn, ports.clock() - _RECENT)
    chosen = [
        (
            topic,
            Target(
                source=topic.source,
                kind=topic.kind,
                query=topic.query,
                topic_id=topic.id,
                daily=daily.get(topic.id, 0.0),
            ),
        )
        for topic in every
        if topic.source in command.sources
    ]
    if not command.gaps:
        return [(target, window) for _, target in chosen]
    return [(target, gap) for topic, target in chosen for gap in _gaps(topic, window, conn, ports)]


def _gaps(topic: Topic, window: Period, conn: Connection, ports: Ports) -> list[Period]:
    delay = late(topic.source, ports.settings.newsapi_plan)
    pulled, filled = fetches.successes(conn, topic.id, window, delay)
    return gaps(window, topic.cadence_seconds, pulled, filled, delay)


def _limits(every: list[Topic], ports: Ports) -> Limits:
    settings = ports.settings
    live = live_calls([(topic.source, topic.cadence_seconds) for topic in every])
    books = ledgers(settings, ports.redis)
    return Limits(
        newsapi_plan=settings.newsapi_plan,
        configured=configured(settings),
        calls_per_day={
            name: calls_per_day(book, live.get(name, 0.0), settings.backfill_pause_seconds)
            for name, book in books.items()
        },
    )


def _row(planned: Slice) -> NewSlice:
    return NewSlice(
        source=planned.target.source,
        kind=planned.target.kind,
        query=planned.target.query,
        topic_id=planned.target.topic_id,
        window_from=planned.since,
        window_to=planned.until,
        expected_calls=planned.calls,
    )
