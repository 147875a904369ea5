"""What a backfill costs live work: latency of interactive fetches on an idle system and during a backfill.

    python -m tests.bench.backfill [--rounds 6] [--payloads DIR] [--json]

Real worker processes (interactive and bulk apart, as deployed), scheduler, PostgreSQL, Valkey and the simulator, which
answers after 150 ms as a source on the internet does. The backfill is paused and resumed round by round, so that what
else the machine does meets both alike. Prints p50, p95 and mean beside an idle system's, and whether the aim is met.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from alembic import command

from deploy.local.servers import postgres, valkey
from migrations.__main__ import alembic_config
from shared import keys
from shared.clock import utcnow
from shared.commands import FetchQuery, StartBackfill
from tests.bench.report import Figure, percentile, report
from tests.e2e.conftest import System
from tests.eventually import eventually
from tests.upstreams import Upstreams, running

WORDS = ("climate", "world", "police", "bank", "team", "city", "government", "people", "market", "health")
# Two sets that take turns in being asked idle and busy, so that both are asked the same.
ASKED = (
    ("president", "school", "war", "money", "law", "film", "music", "children", "energy", "court"),
    ("minister", "hospital", "peace", "price", "vote", "book", "water", "women", "food", "family"),
)
# Within 20 % of an idle system.
MAX_RATIO = 1.2
# A page that is under way is over.
SETTLE_SECONDS = 3
ROOM = {
    "NEWSINTEL_NEWSAPI_CALLS_PER_12H": "100000",
    "NEWSINTEL_NEWSAPI_CALLS_PER_DAY": "100000",
    "NEWSINTEL_GUARDIAN_CALLS_PER_DAY": "100000",
    "NEWSINTEL_REDDIT_CALLS_PER_10MIN": "100000",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--payloads", help="a directory of captured articles instead of the made-up ones")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        system = start(stack, ["--payloads", asked.payloads] if asked.payloads else [])
        fetch(system, "warm up")
        begin_backfills(system)
        idle: list[float] = []
        busy: list[float] = []
        for number in range(asked.rounds):
            for state, took in (("paused", idle), ("running", busy)):
                system.query("UPDATE backfills SET state = %s WHERE state <> 'done' RETURNING id", state)
                time.sleep(SETTLE_SECONDS)
                words = ASKED[(number + (took is busy)) % 2]
                took.extend(fetch(system, word) for word in words)
        report("backfill", figures(idle, busy, pages(system)))


def start(stack: contextlib.ExitStack, simulator: list[str]) -> System:
    data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="newsintel-bench-")))
    server = stack.enter_context(postgres(data / "postgres"))
    server.create_database("bench")
    urls = SimpleNamespace(
        worker=server.url("newsintel_worker", "bench"),
        api=server.url("newsintel_api", "bench"),
        admin=server.url("postgres", "bench"),
    )
    command.upgrade(alembic_config(server.url("newsintel_owner", "bench")), "head")
    upstreams: Upstreams = stack.enter_context(running(*simulator))
    upstreams.change(
        newsapi_budget=100_000, guardian_per_second=None, guardian_per_day=None, reddit_limit=None
    )
    for source in ("newsapi", "guardian", "reddit"):
        upstreams.faults(source=source, kind="delay", min_ms=150, max_ms=150)
    (data / "logs").mkdir()
    system = System(urls, stack.enter_context(valkey(data / "valkey")), upstreams, data / "logs")
    stack.callback(system.stop)
    system.ingest_environment.update(ROOM)
    system.query("UPDATE topics SET paused = true RETURNING id")
    system.worker("interactive")
    system.worker("bulk")
    system.scheduler()
    time.sleep(5)
    return system


def fetch(system: System, query: str) -> float:
    """Milliseconds until a reader's cold query is answered; a reader every half second or so."""
    started = time.perf_counter()
    command_id = system.send(FetchQuery(query=query, query_key=query))
    while system.redis.get(keys.answer(command_id)) is None:
        time.sleep(0.002)
    took = (time.perf_counter() - started) * 1000
    # The Guardian's pace is one call a second: a reader should not wait for the reader before.
    time.sleep(1.3)
    return took


def begin_backfills(system: System) -> None:
    now = utcnow().replace(microsecond=0)
    for word in WORDS:
        system.send(
            StartBackfill(
                sources=["guardian", "newsapi", "reddit"],
                since=now - timedelta(days=365),
                until=now,
                query=word,
                key=word,
                requested_by="bench",
            )
        )
    eventually(lambda: pages(system) > 0)


def pages(system: System) -> int:
    [(count,)] = system.query("SELECT coalesce(sum(pages), 0)::int FROM backfill_slices")
    return count


def figures(idle: list[float], busy: list[float], fetched: int) -> list[Figure]:
    def beside(name: str, of: Callable[[list[float]], float]) -> Figure:
        ratio = of(busy) / of(idle)
        return Figure(
            name=f"live fetch during a backfill, {name}",
            value=of(busy),
            unit="ms",
            baseline=of(idle),
            ratio=ratio,
            aim=f"at most {MAX_RATIO:g} of an idle system",
            met=ratio <= MAX_RATIO,
        )

    return [
        beside("p50", lambda took: percentile(took, 50)),
        beside("p95", lambda took: percentile(took, 95)),
        beside("mean", statistics.mean),
        Figure(name="pages of the backfill meanwhile", value=fetched, unit="pages"),
    ]


if __name__ == "__main__":
    main()
