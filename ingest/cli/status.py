"""`newsintel status`: one screen on queues, lag, budgets, circuits, cache, backfills and the last errors."""

import argparse
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import redis

from ingest import gauges
from ingest.cli.output import CliError, day, say, span, table
from ingest.ports import Ports
from ingest.sources.circuit import State
from ingest.sources.registry import circuits, ledgers
from ingest.store import backfills, overview
from shared import keys
from shared.commands import Queue
from shared.metrics import TIERS

_ERRORS = 5


def add(nouns: Any) -> None:
    nouns.add_parser("status", help="everything on one screen").set_defaults(run=_status)


def _status(_asked: argparse.Namespace, ports: Ports) -> None:
    now = ports.clock()
    standing: Mapping[str, str] = {}
    away: redis.RedisError | None = None
    try:
        for part in (_queues, _budgets, _cache):
            part(ports, now)
        standing = _standing(ports, now)
    except redis.RedisError as error:
        away = error
    _sources(ports, now, standing)
    _backfills(ports)
    _errors(ports)
    if away:
        raise CliError(f"Redis does not answer, what it knows is missing here: {away}") from away


def _queues(ports: Ports, now: datetime) -> None:
    def size(kind: str, name: str) -> Any:
        return getattr(ports.redis, kind)(f"{keys.QUEUE_NAMESPACE}:{name}")

    table(
        ("QUEUE", "WAITING", "OLDEST", "NOT ACKNOWLEDGED", "DELAYED", "GIVEN UP"),
        [
            (
                q,
                size("llen", q),
                span(gauges.queue_age(ports, q, now)),
                size("hlen", f"{q}.msgs"),
                size("hlen", f"{q}.DQ.msgs"),
                size("zcard", f"{q}.XQ"),
            )
            for q in Queue
        ],
    )
    leader = ports.redis.get(keys.LEADER)
    say("scheduler: " + ("leads" if leader else "none leads; nothing is sent on a cadence"))


def _sources(ports: Ports, now: datetime, standing: Mapping[str, str]) -> None:
    with ports.database.connection() as conn:
        found = overview.sources(conn)
    say("")
    table(
        ("SOURCE", "LAST PULL", "SINCE SUCCESS", "NEWEST ARTICLE", "CIRCUIT"),
        (
            (
                s.source,
                s.outcome,
                _since(s.last_success_at, now),
                _since(s.newest_published_at, now),
                standing.get(s.source, "-"),
            )
            for s in found
        ),
    )


def _standing(ports: Ports, now: datetime) -> dict[str, str]:
    """By source: whether it may be called."""
    books = ledgers(ports.settings, ports.redis)
    found = circuits(ports.settings, ports.redis)
    return {name: _circuit(found[name].look(now), book.closed_until(now)) for name, book in books.items()}


def _circuit(state: State, told_to_wait: datetime | None) -> str:
    shown = f"{state.name}: {state.why}" if state.why else state.name
    return f"{shown}, told to wait until {day(told_to_wait)}" if told_to_wait else shown


def _budgets(ports: Ports, _now: datetime) -> None:
    say("")
    table(
        ("BUDGET", "PER", "LEFT", "OF", "ENDS"),
        (
            (source, left.window, left.left, left.limit, day(left.ends_at))
            for source, book in ledgers(ports.settings, ports.redis).items()
            for left in book.remaining()
        ),
    )


def _cache(ports: Ports, now: datetime) -> None:
    standing: Any = ports.redis.zcard(keys.STANDING)
    say(f"\ncache: {standing} queries with stored answers")
    hours: list[Any] = [ports.redis.hgetall(keys.cache_reads(now, ago)) for ago in (0, 1)]
    reads = {tier: sum(int(each.get(tier.encode(), 0)) for each in hours) for tier in TIERS}
    total = sum(reads.values())
    shares = ", ".join(f"{count} from {tier} ({count / max(total, 1):.0%})" for tier, count in reads.items())
    say(f"answers of this hour and the one before: {shares}")


def _backfills(ports: Ports) -> None:
    with ports.database.connection() as conn:
        found = [
            each for each in backfills.newest(conn, 100) if each.state in {"running", "paused", "failed"}
        ]
        for each in found:
            progress = backfills.progress(conn, each.id)
            done, slices = sum(p.done for p in progress), sum(p.slices for p in progress)
            say(f"backfill {each.id}: {each.state}, {done} of {slices} slices")


def _errors(ports: Ports) -> None:
    with ports.database.connection() as conn:
        errors = overview.errors(conn, _ERRORS)
        kept = overview.quarantined(conn)
    say(f"quarantine: {kept} items" + ("; `newsintel quarantine list`" if kept else ""))
    for error in errors:
        say(f"{day(error.at)}  {error.source}  {error.outcome}: {error.reason}")


def _since(moment: datetime | None, now: datetime) -> str:
    return f"{span(max(now - moment, timedelta()))} ago" if moment else "never"
