"""The gauges agree with what PostgreSQL and Redis hold."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest

from ingest import gauges
from ingest.ports import Priority
from ingest.sources.registry import ledgers
from ingest.store import fetches, overview
from shared import bus, keys
from shared.commands import FetchTopic
from shared.config import IngestSettings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Recorder:
    def __init__(self):
        self.seen = {}

    def gauge(self, name, value, **dimensions):
        self.seen[(name, *dimensions.values())] = value


@pytest.fixture
def ports(database, redis, redis_url):
    def connection():
        return psycopg.connect(database.worker, autocommit=True)

    return SimpleNamespace(
        clock=lambda: NOW,
        settings=IngestSettings(database_url=database.worker, redis_url=redis_url, newsapi_calls_per_12h=40),
        metrics=Recorder(),
        redis=redis,
        sources={"guardian": None, "reddit": None},
        database=SimpleNamespace(connection=connection),
    )


def fetched(ports, source, *, ago, outcome="ok", newest=None, window=(None, None)):
    with ports.database.connection() as connection:
        at = NOW - timedelta(seconds=ago)
        fetch_id = f"{source}-{ago}"
        fetches.begin(connection, fetch_id, source=source, topic_id=None, query="x", window=window, at=at)
        fetches.finish(connection, fetch_id, outcome=outcome, reason=None, at=at)
        newest_at = NOW - timedelta(seconds=newest) if newest else None
        connection.execute("UPDATE fetches SET newest_published_at = %s WHERE id = %s", (newest_at, fetch_id))


def test_the_two_lags_are_apart(ports):
    fetched(ports, "newsapi", ago=60, newest=86_400)
    fetched(ports, "newsapi", ago=30, outcome="unreachable")
    fetched(ports, "guardian", ago=90, outcome="rate_limited")
    gauges.measure(ports)
    seen = ports.metrics.seen
    assert seen["last_fetch_age", "newsapi"] == 60
    assert seen["newest_article_age", "newsapi"] == 86_400
    assert ("last_fetch_age", "guardian") not in seen
    assert seen["scheduler_leads",] == 1


def test_a_backfill_does_not_make_a_late_source_look_fresh(ports):
    fetched(ports, "newsapi", ago=7200, newest=90_000)
    fetched(ports, "newsapi", ago=10, newest=5, window=(NOW - timedelta(days=2), NOW))
    gauges.measure(ports)
    seen = ports.metrics.seen
    assert (seen["last_fetch_age", "newsapi"], seen["newest_article_age", "newsapi"]) == (7200, 90_000)


def test_a_queue_has_a_depth_and_the_age_of_its_oldest_message(ports):
    ports.clock = lambda: datetime.fromtimestamp(time.time() + 40, UTC)
    broker = bus.broker(ports.redis)
    for topic_id in (1, 2):
        bus.send(broker, FetchTopic(topic_id=topic_id))
    gauges.measure(ports)
    seen = ports.metrics.seen
    assert seen["queue_depth", "bulk"] == 2
    assert 39 < seen["queue_age", "bulk"] < 50
    assert (seen["queue_depth", "interactive"], seen["queue_age", "interactive"]) == (0, 0)


def test_an_open_circuit_is_1(ports):
    ports.redis.hset(keys.circuit("reddit"), "open_until", round(NOW.timestamp() * 1000) + 1)
    gauges.measure(ports)
    assert ports.metrics.seen["circuit_open", "reddit"] == 1
    assert ports.metrics.seen["circuit_open", "guardian"] == 0


def test_a_source_that_told_us_to_wait_says_for_how_long(ports):
    ports.clock = lambda: datetime.now(UTC)
    ledgers(ports.settings, ports.redis)["reddit"].close(datetime.now(UTC) + timedelta(minutes=30))
    gauges.measure(ports)
    assert 1_790 < ports.metrics.seen["told_to_wait", "reddit"] <= 1_800
    assert ports.metrics.seen["told_to_wait", "guardian"] == 0


def test_a_backfill_does_not_hide_that_the_cadence_stands_still(ports):
    fetched(ports, "guardian", ago=7_200, newest=8_000)
    fetched(ports, "guardian", ago=60, newest=70, window=(NOW - timedelta(days=2), NOW))
    gauges.measure(ports)
    assert ports.metrics.seen["last_fetch_age", "guardian"] == 7_200
    assert ports.metrics.seen["newest_article_age", "guardian"] == 8_000
    # What `newsintel status` shows is the same.
    with ports.database.connection() as connection:
        [shown] = [source for source in overview.sources(connection) if source.source == "guardian"]
    assert (NOW - shown.last_success_at, NOW - shown.newest_published_at) == (
        timedelta(seconds=7_200),
        timedelta(seconds=8_000),
    )


def test_of_a_budget_the_tightest_window_counts(ports):
    for _ in range(10):
        ledgers(ports.settings, ports.redis)["newsapi"].charge(Priority.INTERACTIVE)
    gauges.measure(ports)
    seen = ports.metrics.seen
    assert (seen["budget_left", "newsapi"], seen["budget_left", "guardian"]) == (75, 100)
