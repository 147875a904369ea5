"""`newsintel backfill`: fill in the past, beside live work and within the budgets."""

import argparse
import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import redis

from ingest.cli.asking import ask, made, me
from ingest.cli.output import CliError, bar, day, say, span, table
from ingest.ports import Ports
from ingest.store import backfills
from ingest.store.backfills import Backfill, Progress
from shared import keys
from shared.commands import (
    KINDS,
    CancelBackfill,
    ChangeBackfill,
    PauseBackfill,
    PlanBackfill,
    ResumeBackfill,
    StartBackfill,
)
from shared.events import BackfillChanged, BackfillPlan
from shared.pace import Pace, pages_per_hour, recent_since, seconds_left

_WATCH_SECONDS = 5.0
_DAYS = 7
_SHOWN = 20


def add(nouns: Any) -> None:
    verbs = nouns.add_parser("backfill", help="fill in the past").add_subparsers(required=True)
    for verb, run, text in (
        ("plan", _plan, "what it would take: slices, calls, days; starts nothing"),
        ("start", _start, "plan it and begin"),
    ):
        command = verbs.add_parser(verb, help=text)
        command.add_argument("--source", action="append", choices=KINDS, help="repeat for several (all)")
        command.add_argument("--since", type=_moment, help=f"date or time, UTC ({_DAYS} days ago)")
        command.add_argument("--until", type=_moment, help="date or time, UTC (now)")
        what = command.add_mutually_exclusive_group()
        what.add_argument("--query", help="words for every source (else its topics)")
        what.add_argument("--gaps", action="store_true", help="only where a topic was not pulled")
        command.set_defaults(run=run)
        if verb == "start":
            command.add_argument(
                "--key",
                help="repeats with one key start it once, with the dates of the first (default: the request itself)",
            )
    status = verbs.add_parser("status", help="how far, how fast, how long")
    status.add_argument("id", type=int, nargs="?", help="one of them (the newest)")
    status.add_argument(
        "--watch", action="store_true", help=f"again every {_WATCH_SECONDS:.0f} s until it is over"
    )
    status.set_defaults(run=_status)
    for verb, kind, text in (
        ("pause", PauseBackfill, "no further page until it is resumed"),
        ("resume", ResumeBackfill, "go on; what failed is tried again, also while the rest runs"),
        ("cancel", CancelBackfill, "give up the rest; what is stored stays"),
    ):
        command = verbs.add_parser(verb, help=text)
        command.add_argument("id", type=int)
        command.set_defaults(run=_change, kind=kind)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date or time such as 2026-01-31") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _asked(asked: argparse.Namespace, ports: Ports, first: Backfill | None = None) -> dict[str, Any]:
    """first: what the same request began already. Its dates are meant where none are named, not those of today."""
    now = ports.clock().replace(second=0, microsecond=0)
    if asked.since and asked.since >= now:
        raise CliError("that is in the future: choose a --since that is over")
    return {
        "sources": asked.source or sorted(KINDS),
        "since": asked.since or (first.window_from if first else now - timedelta(days=_DAYS)),
        "until": asked.until or (first.window_to if first else now),
        "query": asked.query,
        "gaps": asked.gaps,
    }


def _plan(asked: argparse.Namespace, ports: Ports) -> None:
    _planned(made(PlanBackfill, **_asked(asked, ports)), ports)


def _start(asked: argparse.Namespace, ports: Ports) -> None:
    wanted = made(PlanBackfill, **_asked(asked, ports, _of_key(asked.key, ports)))
    fields = msgspec.structs.asdict(wanted)
    key = asked.key or hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
    if _of_key(key, ports) is None and not _planned(wanted, ports).slices:
        return
    done = ask(ports, made(StartBackfill, **fields, key=key, requested_by=me()), BackfillChanged)
    again = "" if done.created else "; it was started before, another --key starts it again"
    say(f"backfill {done.backfill_id} is {done.state}{again}")


def _of_key(key: str | None, ports: Ports) -> Backfill | None:
    if key is None:
        return None
    with ports.database.connection() as conn:
        return backfills.of_key(conn, key)


def _planned(wanted: PlanBackfill, ports: Ports) -> BackfillPlan:
    """Shown. Raises CliError when nothing of it can be had."""
    plan = ask(ports, wanted, BackfillPlan)
    if plan.slices:
        _show_plan(plan)
    elif wanted.gaps:
        say("there are no gaps, or a backfill has them already")
    else:
        raise CliError(f"there is nothing to fetch: {'; '.join(plan.left_out) or 'no topic is active'}")
    return plan


def _show_plan(plan: BackfillPlan) -> None:
    roughly = "at least" if plan.at_least else "about"
    table(
        ("SOURCE", "SLICES", "CALLS", "CALLS A DAY", "DAYS"),
        [(s.source, s.slices, f"{roughly} {s.calls}", s.calls_per_day, _days(s.days)) for s in plan.sources],
    )
    for sentence in plan.left_out:
        say(f"left out: {sentence}")
    waiting = ", ".join(s.source for s in plan.sources if s.days is None)
    when = (
        f"live work needs the whole budget of {waiting}"
        if waiting
        else f"{roughly} {_counted(_days(plan.days), 'day')} within the budgets"
    )
    say(f"{_counted(plan.slices, 'slice')}, {roughly} {_counted(plan.calls, 'call')}, {when}")


def _counted(number: object, noun: str) -> str:
    return f"{number} {noun}" if str(number) == "1" else f"{number} {noun}s"


def _days(days: float | None) -> str:
    return "never" if days is None else f"{days:g}"


def _change(asked: argparse.Namespace, ports: Ports) -> None:
    kind: type[ChangeBackfill] = asked.kind
    done = ask(ports, made(kind, backfill_id=asked.id, requested_by=me()), BackfillChanged)
    say(f"backfill {done.backfill_id} is {done.state}")


def _status(asked: argparse.Namespace, ports: Ports) -> None:
    while True:
        with ports.database.connection() as conn:
            found = backfills.newest(conn, _SHOWN) if asked.id is None else [backfills.get(conn, asked.id)]
            shown = [each for each in found if each]
            if not shown:
                raise CliError("there is no such backfill" if asked.id else "there is none yet")
            progress = backfills.progress(conn, shown[0].id)
        now = ports.clock()
        show(shown[0], progress, _paces(shown[0], progress, ports, now), now)
        if not asked.watch or shown[0].state != "running":
            break
        time.sleep(_WATCH_SECONDS)
    for other in shown[1:]:
        say(f"earlier: backfill {other.id}, {other.state}, {_window(other)}, by {other.requested_by}")


def _paces(backfill: Backfill, progress: list[Progress], ports: Ports, now: datetime) -> Mapping[str, Pace]:
    """By source; nothing of what does not run, or while Redis is away."""
    if backfill.state != "running":
        return {}
    since = recent_since(backfill.changed_at, now).timestamp()
    try:
        spare: Any = ports.redis.hgetall(keys.BACKFILL_CALLS)
        pages: dict[str, Any] = {
            each.source: ports.redis.zcount(keys.backfill_pages(backfill.id, each.source), since, "+inf")
            for each in progress
        }
    except redis.RedisError:
        return {}
    return {each.source: _pace(each, backfill, pages[each.source], spare, now) for each in progress}


def _pace(
    progress: Progress, backfill: Backfill, pages: int, spare: Mapping[bytes, bytes], now: datetime
) -> Pace:
    per_day = spare.get(progress.source.encode())
    return Pace(
        pages_per_hour=pages_per_hour(pages, backfill.changed_at, now),
        seconds_left=seconds_left(
            progress.expected, None if per_day is None else int(per_day), progress.retry_at, now
        ),
    )


def show(backfill: Backfill, progress: list[Progress], paces: Mapping[str, Pace], now: datetime) -> None:
    """One screen about one backfill."""
    what = f"{backfill.query!r}" if backfill.query else "gaps of topics" if backfill.gaps else "topics"
    say(f"backfill {backfill.id}: {backfill.state}, {what}, {_window(backfill)}, by {backfill.requested_by}")
    for each in progress:
        share = (each.done + each.failed) / each.slices
        pace = paces.get(each.source, Pace())
        rate = "" if pace.pages_per_hour is None else f" ({pace.pages_per_hour:g}/h)"
        left = timedelta(seconds=pace.seconds_left) if pace.seconds_left else None
        say(
            f"  {each.source:<9} {bar(share)} {each.done}/{each.slices} slices, {each.pages} pages{rate}, "
            f"{each.stored} new of {each.fetched}, left {span(left)}"
        )
        if each.failed:
            say(
                f"            {each.failed} failed: {each.failed_reason}; "
                f"`backfill resume {backfill.id}` tries them again"
            )
        if each.retry_at and each.retry_at > now:
            say(f"            waits until {day(each.retry_at)} UTC: {each.reason}")


def _window(backfill: Backfill) -> str:
    return f"{day(backfill.window_from)} to {day(backfill.window_to)}"
