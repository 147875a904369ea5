"""What readers get while something is away: an answer when there can be one, else a problem that says what to do."""

import asyncio
import time

import msgspec
import psycopg
import pytest
import redis as redis_client
import redis.asyncio
import structlog
from litestar.testing import AsyncTestClient

from api.app import create_app
from shared.meter import Meter

pytestmark = pytest.mark.anyio

NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
def counted(monkeypatch):
    """Returns the names of what was counted so far."""
    meter = Meter()
    monkeypatch.setattr("api.app.Meter", lambda: meter)
    return lambda: {name for name, _ in meter.seen().counts}


@pytest.fixture
async def without_redis(settings, counted):
    async with AsyncTestClient(create_app(msgspec.structs.replace(settings, redis_url=NOWHERE))) as client:
        yield client


@pytest.fixture
async def without_database(settings):
    nowhere = "postgresql://x@127.0.0.1:1/x"
    async with AsyncTestClient(create_app(msgspec.structs.replace(settings, database_url=nowhere))) as client:
        yield client


async def test_without_redis_the_archive_still_answers(without_redis, archive, counted):
    archive.article("A storm")
    archive.fetch("guardian", outcome="unreachable", reason="it did not answer")
    answer = await without_redis.get("/articles?q=storm")
    assert (answer.status_code, answer.json()["total"]) == (200, 1)
    freshness = answer.json()["freshness"]
    assert (freshness["state"], freshness["reason"]) == (
        "unknown",
        "the sources could not be asked: Redis is away",
    )
    assert freshness["sources"][0]["outcome"] == "unreachable"
    assert answer.headers["cache-status"] == "newsintel; fwd=miss"
    assert {"cache_failed", "refresh_failed"} <= counted()
    assert (await without_redis.get("/articles")).json()["total"] == 1


async def test_health_without_redis(without_redis):
    answer = await without_redis.get("/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unhealthy", "database": "connected", "redis": "unavailable"}


async def test_the_process_lives_without_redis_and_without_the_database(without_redis, without_database):
    for api in (without_redis, without_database):
        answer = await api.get("/health/alive")
        assert answer.status_code == 200
        assert answer.json() == {"status": "healthy"}


async def test_health(api):
    answer = await api.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "healthy", "database": "connected", "redis": "connected"}


async def test_health_without_the_database_is_known_soon(without_database):
    started = time.monotonic()
    answer = await without_database.get("/health")
    assert time.monotonic() - started < 15
    assert answer.status_code == 503
    assert answer.json() == {"status": "unhealthy", "database": "unavailable", "redis": "connected"}


async def test_without_the_database_a_search_is_a_503_that_says_when_to_come_back(without_database):
    answer = await without_database.get("/articles")
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "2"
    assert "127.0.0.1" not in answer.text


async def test_a_query_that_runs_into_its_time_limit(settings, archive, monkeypatch):
    async def slow(connection, *_):
        await connection.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr("api.queries.search.find", slow)
    hasty = msgspec.structs.replace(settings, statement_timeout_ms=50)
    async with AsyncTestClient(create_app(hasty)) as api:
        answer = await api.get("/articles")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "query_too_slow",
        "5",
    )


async def test_many_statements_together_run_into_a_time_limit_too(settings, archive, monkeypatch):
    async def slow(connection, *_):
        for _ in range(1_000):
            await connection.execute("SELECT pg_sleep(0.01)")

    archive.article("A storm")
    hasty = msgspec.structs.replace(settings, statement_timeout_ms=500, database_pool_size=1)
    async with AsyncTestClient(create_app(hasty)) as api:
        with monkeypatch.context() as patch:
            patch.setattr("api.queries.search.find", slow)
            answer = await api.get("/articles")
        assert (answer.status_code, answer.json()["code"]) == (503, "query_too_slow")
        assert (await api.get("/articles")).json()["total"] == 1


@pytest.mark.parametrize(
    "address",
    [
        "/articles",
        "/articles?q=storm",
        "/articles?q=storm&sort=oldest&format=rss",
        "/articles?q=storm&explain=true",
        "/articles/1",
        "/articles/1/similar",
        "/stories/1",
        "/articles/sentiment/trends?q=storm",
        "/articles/sentiment/summary?q=storm",
    ],
)
async def test_whatever_runs_into_the_time_limit_says_so(settings, archive, database, address):
    archive.article("A storm", lead=True)
    hasty = msgspec.structs.replace(settings, statement_timeout_ms=50)
    async with AsyncTestClient(create_app(hasty)) as api:
        with psycopg.connect(database.owner) as owner:
            owner.execute("LOCK TABLE articles IN ACCESS EXCLUSIVE MODE")
            answer = await api.get(address)
        assert (answer.status_code, answer.json()["code"]) == (503, "query_too_slow")
        assert answer.headers["retry-after"] == "5"
        assert (await api.get("/health")).status_code == 200


async def test_connections_that_died_are_replaced_without_anyone_noticing(api, archive, migrated):
    archive.article("A storm")
    await asyncio.gather(*(api.get("/articles/1") for _ in range(8)))
    with psycopg.connect(migrated.admin, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'newsintel_api'"
        )
    answers = await asyncio.gather(*(api.get("/articles/1") for _ in range(8)))
    assert {each.status_code for each in answers} == {200}


async def test_a_database_error_that_stays_is_a_503(api, archive, monkeypatch):
    async def broken(*_, **__):
        raise psycopg.OperationalError("connection to 10.0.0.7 failed for user secret")

    monkeypatch.setattr("api.queries.articles.by_id", broken)
    answer = await api.get("/articles/1")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert "secret" not in answer.text


async def test_a_defect_is_a_500_that_shows_nothing_of_the_inside(api, archive, monkeypatch):
    async def broken(*_):
        raise RuntimeError("password=secret")

    monkeypatch.setattr("api.queries.sources.overview", broken)
    answer = await api.get("/sources", headers={"X-Request-ID": "mine-1"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["request_id"]) == ("internal_error", "mine-1")
    assert "secret" not in answer.text


async def test_a_queue_that_takes_nothing_does_not_keep_the_next_reader_from_asking(
    api, archive, redis, monkeypatch
):
    def refuse(*_):
        raise redis_client.ConnectionError("gone")

    monkeypatch.setattr("dramatiq.brokers.redis.RedisBroker.enqueue", refuse)
    answer = await api.get("/articles?q=storm")
    assert answer.json()["freshness"]["reason"] == "the sources could not be asked: the queue is away"
    assert redis.keys("flight:*") == []


async def test_a_redis_that_fails_half_way_costs_the_cache_and_not_the_answer(
    api, archive, monkeypatch, counted
):
    async def refuse(*_, **__):
        raise redis_client.ConnectionError("gone")

    archive.article("A storm")
    monkeypatch.setattr("redis.commands.core.AsyncScript.__call__", refuse)
    monkeypatch.setattr("redis.asyncio.Redis.delete", refuse)
    assert (await api.get("/articles")).json()["total"] == 1
    monkeypatch.setattr(
        "dramatiq.brokers.redis.RedisBroker.enqueue",
        lambda *_: (_ for _ in ()).throw(redis_client.ConnectionError("gone")),
    )
    assert (await api.get("/articles?q=storm")).json()["freshness"]["state"] == "unknown"


async def test_what_the_cache_is_denied_is_told_once_and_again_when_it_is_over(api, archive, redis):
    before = redis.config_get("maxmemory")
    with structlog.testing.capture_logs() as logs:
        try:
            redis.config_set("maxmemory", "1")  # reads are answered, writes are not
            for sort in ("newest", "oldest", "coverage"):
                await api.get(f"/articles?sort={sort}")
        finally:
            redis.config_set("maxmemory", before["maxmemory"])
        await api.get("/articles?sort=positive")
    told = [line["event"] for line in logs if line["event"].startswith("cache_")]
    assert told == ["cache_put_interrupted", "cache_put_resumed"]


async def test_while_waiting_redis_may_go(api, archive, monkeypatch):
    from shared.errors import DependencyError

    async def gone(*_, **__):
        raise DependencyError("gone")

    monkeypatch.setattr("shared.bus.Bus.join", gone)
    answer = await api.get("/articles?q=storm")
    assert (answer.status_code, answer.json()["freshness"]["state"]) == (200, "refreshing")
