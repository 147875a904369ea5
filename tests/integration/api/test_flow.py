"""The way of a search: one fetch for all readers, waiting when there is nothing, the Redis tier, freshness."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from shared import keys
from shared.commands import FetchQuery
from shared.query.standing import Standing, entry, of_entry
from shared.query_key import query_key
from tests.eventually import eventually_async
from tests.factories import Archive
from tests.fakes import FakeWorker, asked

pytestmark = pytest.mark.anyio

# However busy the machine is, the worker has answered by then.
PATIENT = {"Prefer": "wait=10"}


@pytest.fixture
def bringing(database):
    """What a worker's fetch does: it takes a while, then the articles are there."""

    def fetch(command: FetchQuery):
        time.sleep(0.1)
        with psycopg.connect(database.worker, autocommit=True) as connection:
            Archive(connection).article(f"News of {command.query}")
        return asked()

    return fetch


def stored(seconds):
    """What a made answer says that is kept for so long; some seconds may have begun since."""
    lefts = range(max(seconds - 10, 0), seconds + 1)
    return {f"newsintel; fwd=miss; stored; ttl={left}" for left in lefts}


async def test_a_cold_query_waits_for_the_sources_and_then_answers(api, redis_url, bringing):
    with FakeWorker(redis_url, bringing) as worker:
        answer = await api.get("/articles?q=Ukraine++War&language=en", headers=PATIENT)
    assert [each["title"] for each in answer.json()["articles"]] == ["News of Ukraine War"]
    assert answer.json()["freshness"]["state"] == "fresh"
    assert [each["source"] for each in answer.json()["freshness"]["sources"]] == [
        "guardian",
        "newsapi",
        "reddit",
    ]
    assert answer.json()["freshness"]["sources"][0]["new_articles"] == 1
    assert worker.commands == [
        FetchQuery(query="Ukraine War", query_key=query_key("ukraine war", "en"), language="en")
    ]


async def test_a_hundred_readers_of_a_cold_query_are_one_fetch(settings, redis_url, bringing):
    # Two applications: a process of its own could not share more with the other than Redis either.
    async with AsyncTestClient(create_app(settings)) as one, AsyncTestClient(create_app(settings)) as two:
        with FakeWorker(redis_url, bringing) as worker:
            # Different pages and filters of one query are one fetch, too.
            answers = await asyncio.gather(
                *(
                    client.get(f"/articles?q=storm&limit={10 + n % 3}", headers=PATIENT)
                    for n in range(50)
                    for client in (one, two)
                )
            )
    assert len(worker.commands) == 1
    assert {len(each.json()["articles"]) for each in answers} == {1}
    assert {each.json()["freshness"]["state"] for each in answers} == {"fresh"}


async def test_with_results_in_hand_nobody_waits(api, archive, redis_url, bringing):
    archive.article("An old storm")
    answered = threading.Event()

    def fetch(command):
        answered.wait(60)
        return bringing(command)

    with FakeWorker(redis_url, fetch) as worker:
        first = await api.get("/articles?q=storm", headers=PATIENT)
        assert first.json()["freshness"]["state"] == "refreshing"
        assert first.json()["total"] == 1
        answered.set()

        async def refreshed():
            answer = await api.get("/articles?q=storm")
            return answer if answer.json()["freshness"]["state"] != "refreshing" else None

        later = await eventually_async(refreshed)
    assert (later.json()["freshness"]["state"], later.json()["total"]) == ("fresh", 2)
    assert len(worker.commands) == 1


async def test_the_wait_is_bounded_and_nothing_is_lost(api, redis_url):
    with FakeWorker(redis_url, None) as worker:
        started = time.monotonic()
        answer = await api.get("/articles?q=storm")
        assert 0.25 < time.monotonic() - started < 10
        assert (answer.json()["total"], answer.json()["freshness"]["state"]) == (0, "refreshing")
        again = await api.get("/articles?q=storm", headers={"Prefer": "wait=0"})
    assert again.json()["freshness"]["state"] == "refreshing"
    assert again.headers["preference-applied"] == "wait=0"
    assert len(worker.commands) == 1


async def test_prefer_lets_a_reader_wait_longer_but_not_for_ever(settings, redis_url, bringing):
    patient = msgspec.structs.replace(settings, cold_wait_seconds=0.0, cold_wait_max_seconds=10)
    async with AsyncTestClient(create_app(patient)) as api:
        with FakeWorker(redis_url, bringing):
            answer = await api.get("/articles?q=storm", headers={"Prefer": "respond-async, wait=100"})
    assert answer.headers["preference-applied"] == "wait=10"
    assert answer.json()["total"] == 1


async def test_a_fetch_that_brings_nothing_is_an_answer(api, redis_url, archive):
    with FakeWorker(redis_url) as worker:
        for _ in range(3):
            answer = await api.get("/articles?q=storm", headers=PATIENT)
            assert (answer.json()["total"], answer.json()["freshness"]["state"]) == (0, "fresh")
    assert len(worker.commands) == 1


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ({"guardian": "ok", "newsapi": "ok", "reddit": "ok"}, "fresh"),
        ({"guardian": "ok", "newsapi": "not_configured", "reddit": "ok"}, "fresh"),
        ({"guardian": "ok", "newsapi": "budget_spent", "reddit": "ok"}, "partial"),
        ({"guardian": "unreachable", "newsapi": "circuit_open", "reddit": "rate_limited"}, "stale"),
        ({"guardian": "not_configured", "newsapi": "not_configured", "reddit": "not_configured"}, "stale"),
    ],
)
async def test_freshness_tells_how_each_source_answered(api, archive, redis_url, outcomes, state):
    def fetch(_):
        return [each for source, outcome in outcomes.items() for each in asked(outcome, sources=(source,))]

    with FakeWorker(redis_url, fetch):
        freshness = (await api.get("/articles?q=storm", headers=PATIENT)).json()["freshness"]
    assert freshness["state"] == state
    assert {each["source"]: each["outcome"] for each in freshness["sources"]} == outcomes
    assert all(each["reason"] for each in freshness["sources"] if each["outcome"] != "ok")
    assert freshness["checked_at"]


async def test_a_worker_that_gave_up_is_not_an_error_of_the_reader(api, redis, redis_url, database):
    from shared import bus

    flight = keys.flight(query_key("storm"))
    redis.set(flight, "command-1", ex=60)
    bus.answer(redis, "command-1", None, error="gave_up")
    answer = await api.get("/articles?q=storm")
    assert (answer.status_code, answer.json()["freshness"]["state"]) == (200, "refreshing")


async def test_a_repeated_search_comes_out_of_redis(api, archive, redis, redis_url):
    archive.article("A storm")
    with FakeWorker(redis_url):
        await api.get("/articles?q=nothing")
        first = await api.get("/articles?q=storm&limit=5", headers={"Prefer": "wait=0"})
        assert first.headers["cache-status"] in stored(1)
        await eventually_async(lambda: redis.exists(keys.asked(query_key("storm"))))
        await asyncio.sleep(1.1)  # the marking lives for a second
        second = await api.get("/articles?q=storm&limit=5")
    third = await api.get("/articles?limit=5&q=%20STORM&page=1")
    assert second.headers["cache-status"] in stored(300)
    assert third.headers["cache-status"].startswith("newsintel; hit; detail=memory; ttl=")
    assert third.content == second.content
    assert third.headers["etag"] == second.headers["etag"]
    assert third.headers["content-type"] == "application/json"
    archive.article("Another storm")
    assert (await api.get("/articles?q=storm&limit=5")).json()["total"] == 1


async def test_a_cached_answer_never_outlives_the_freshness_that_it_claims(
    settings, archive, redis, redis_url
):
    short = msgspec.structs.replace(settings, freshness_seconds=50)
    async with AsyncTestClient(create_app(short)) as api:
        with FakeWorker(redis_url):
            answer = await api.get("/articles?q=storm", headers=PATIENT)
    kept, _, left = answer.headers["cache-status"].rpartition("; ttl=")
    assert kept == "newsintel; fwd=miss; stored"
    assert 40 < int(left) <= 50


async def test_an_answer_is_registered_where_a_publication_finds_it(api, archive, redis, redis_url):
    with FakeWorker(redis_url):
        await api.get("/articles?q=Storm&limit=5", headers=PATIENT)
        await api.get("/articles?q=storm&limit=6", headers=PATIENT)
    await api.get("/articles")
    digests = redis.smembers(keys.variants("storm"))
    assert len(digests) == 2
    assert all(redis.exists(keys.search(digest.decode())) for digest in digests)
    standing = dict(redis.zrange(keys.STANDING, 0, -1, withscores=True))
    assert set(standing) == {b"storm", b""}
    assert 290 < standing[b"storm"] - time.time() <= 301
    assert 290 < redis.ttl(keys.variants("storm")) <= 301


TIME = "from=2026-02-01&to=2026-02-28"
FEBRUARY = {"since": datetime(2026, 2, 1, tzinfo=UTC), "until": datetime(2026, 3, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("address", "standing"),
    [
        (f"/articles?q=storm&{TIME}", Standing(text="storm", **FEBRUARY)),
        ("/articles?q=storm&has_image=false", Standing(text="storm", has_image=False)),
        (f"/articles?q=storm&{TIME}&explain=true", Standing()),
        (f"/articles/sentiment/trends?q=storm&{TIME}", Standing(**FEBRUARY)),
        (
            f"/articles/sentiment/summary?q=storm&{TIME}&has_image=true",
            Standing(text="storm", has_image=True, **FEBRUARY),
        ),
    ],
)
async def test_an_answer_is_registered_with_its_time_and_picture(
    api, archive, redis, redis_url, address, standing
):
    with FakeWorker(redis_url):
        await api.get(address, headers=PATIENT)
    assert redis.zrange(keys.STANDING, 0, -1) == [entry(standing).encode()]
    assert redis.scard(keys.variants(entry(standing))) == 1


async def test_a_trend_that_began_a_while_ago_stands_from_its_hour_on_and_without_an_end(api, redis):
    await api.get("/articles/sentiment/trends?interval=day")
    await api.get("/articles/sentiment/summary?q=storm")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=30)
    since = {hour - timedelta(hours=1), hour}  # it may have struck meanwhile
    found = [of_entry(each.decode()) for each in redis.zrange(keys.STANDING, 0, -1)]
    assert {each.text for each in found} == {"", "storm"}
    assert {each.since for each in found} <= since
    assert {each.until for each in found} == {None}


async def test_an_answer_from_before_a_publication_is_not_kept(app, archive, redis, monkeypatch):
    from api.routes import search

    read = search._read

    async def read_and_publish(*arguments):
        found = await read(*arguments)
        redis.incr(keys.GENERATION)
        return found

    async with AsyncTestClient(app) as api:
        monkeypatch.setattr(search, "_read", read_and_publish)
        assert (await api.get("/articles")).headers["cache-status"] == "newsintel; fwd=miss"
        monkeypatch.setattr(search, "_read", read)
        assert (await api.get("/articles")).headers["cache-status"] in stored(60)
    assert redis.zcard(keys.STANDING) == 1


async def test_not_modified(api, archive):
    archive.article("A storm")
    first = await api.get("/articles")
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = await api.get("/articles", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await api.get("/articles", headers={"If-None-Match": '"other"'})).status_code == 200
    article = await api.get("/articles/1")
    again = await api.get("/articles/1", headers={"If-None-Match": article.headers["etag"]})
    assert again.status_code == 304
