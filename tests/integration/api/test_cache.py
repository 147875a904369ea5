"""The two tiers on real servers: what is answered from where, and no answer outlives the article that changes it."""

import asyncio
import threading
import time

import httpx
import msgspec
import psycopg
import pytest
import structlog
from litestar.testing import AsyncTestClient

from api import ahead, drops
from api.app import create_app
from ingest.pipeline.run import run
from shared import keys
from shared.subscription import Subscription
from tests import items
from tests.eventually import eventually_async
from tests.fakes import FakeWorker
from tests.items import raw

pytestmark = pytest.mark.anyio

# An announcement takes about a millisecond; an answer that was not dropped lives for minutes.
ANNOUNCED_SECONDS = 10.0
STORM = "/articles?q=storm"


@pytest.fixture
def ports(database, redis_url):
    with items.ports(database.worker, redis_url, now=None) as made:
        yield made


@pytest.fixture
async def two(settings, redis_url):
    """Two applications share no more than two processes do; neither would ever find out by itself."""
    patient = msgspec.structs.replace(settings, memory_seconds=300)
    with FakeWorker(redis_url):
        async with (
            AsyncTestClient(create_app(patient)) as one,
            AsyncTestClient(create_app(patient)) as other,
        ):
            yield one, other


def served(answer):
    return answer.headers["cache-status"].split("; ttl=")[0].removeprefix("newsintel; ")


def storm(ports, title, number):
    run([raw(f"{title} storm", url=f"https://www.theguardian.com/storm/{number}")], f"f{number}", ports)


async def warmed(*clients):
    """The answer is fresh and in every memory."""
    for client in clients:

        async def fresh(client=client):
            answer = await client.get(STORM)
            # While it is refreshing it lives for a second.
            state = answer.json()["freshness"]["state"]
            return served(answer) == "hit; detail=memory" and state == "fresh"

        await eventually_async(fresh)


async def test_memory_over_redis_over_the_archive(two, archive):
    one, other = two
    archive.article("A storm")
    await warmed(one)
    assert served(await other.get(STORM)) == "hit; detail=redis"
    again = await other.get(STORM)
    assert served(again) == "hit; detail=memory"
    assert again.content == (await one.get(STORM)).content
    assert int(again.headers["age"]) < 10
    assert (await other.get("/articles?q=Storm&page=1")).headers["etag"] == again.headers["etag"]


async def test_a_hit_in_memory_is_a_304_for_who_has_it(two, archive):
    one, _ = two
    archive.article("A storm")
    await warmed(one)
    first = await one.get(STORM)
    again = await one.get(STORM, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert {"content-type", "content-length"}.isdisjoint(again.headers)
    assert again.headers["x-request-id"]


async def test_what_one_caller_may_have_another_is_still_refused(two, archive):
    one, _ = two
    archive.article("A storm")
    await warmed(one)
    assert (await one.get(STORM, headers={"Accept": "text/html"})).status_code == 406
    assert (await one.post(STORM)).status_code == 405
    feed = await one.get(STORM, headers={"Accept": "application/rss+xml"})
    assert feed.headers["content-type"].startswith("application/rss+xml")
    assert (await one.get(STORM)).headers["content-type"] == "application/json"


async def test_a_publication_empties_the_memory_of_every_process(two, ports, archive):
    one, other = two
    storm(ports, "First", 1)
    run([raw("Parliament votes")], "f", ports)
    await warmed(one, other)
    calm = "/articles?q=parliament"
    for client in (one, other, one, other):
        await client.get(calm)
    storm(ports, "Entirely different", 2)

    async def all_know():
        return {(await client.get(STORM)).json()["total"] for client in two} == {2}

    await eventually_async(all_know, seconds=ANNOUNCED_SECONDS)


async def test_a_story_that_is_shown_changes_the_answer_though_the_article_does_not_match(two, ports):
    one, _ = two
    run([raw("Harbour law passes after the long storm", url="https://www.theguardian.com/a")], "f1", ports)
    await warmed(one)
    better = raw(
        "Harbour law passes after a long night", url="https://www.theguardian.com/a", content="More. " * 200,
        modified_at="2026-03-01T11:00:00Z",
    )  # fmt: skip
    run([better], "f2", ports)

    async def gone():
        return (await one.get(STORM)).json()["total"] == 0

    await eventually_async(gone, seconds=ANNOUNCED_SECONDS)


async def test_a_cached_answer_is_never_older_than_the_article_that_changes_it(two, ports):
    """While articles are published one after another, every reader sees each of them as soon as it is announced."""
    published: list[float] = []
    done = threading.Event()

    def publish():
        for number in range(40):
            storm(
                ports, ("Alpha", "Beta", "Gamma", "Delta")[number % 4] + f" {number} {'x' * number}", number
            )
            published.append(time.monotonic())
            time.sleep(0.02)
        done.set()

    async def read(client):
        late = 0.0
        while not done.is_set():
            asked = time.monotonic()
            total = (await client.get(f"{STORM}&sort=newest")).json()["total"]
            if total < len(published):
                late = max(late, asked - published[total])
            await asyncio.sleep(0)
        return late

    thread = threading.Thread(target=publish)
    thread.start()
    late = await asyncio.gather(*(read(client) for client in two for _ in range(3)))
    thread.join()
    assert max(late) < ANNOUNCED_SECONDS

    async def all_forty():
        return {(await client.get(f"{STORM}&sort=newest")).json()["total"] for client in two} == {40}

    await eventually_async(all_forty, seconds=ANNOUNCED_SECONDS)


async def test_an_announcement_that_is_lost_costs_no_more_than_the_seconds_of_memory(
    settings, redis_url, ports, monkeypatch
):
    monkeypatch.setattr(drops.Drops, "_drop", lambda *_: None)
    brief = msgspec.structs.replace(settings, memory_seconds=0.5)
    storm(ports, "First", 1)
    with FakeWorker(redis_url):
        async with AsyncTestClient(create_app(brief)) as api:
            await warmed(api)
            storm(ports, "Entirely different", 2)

            async def knows():
                return (await api.get(STORM)).json()["total"] == 2

            # Without those seconds it would live for minutes.
            await eventually_async(knows)


async def test_without_its_subscription_memory_is_empty_and_off_until_it_is_back(
    app, redis, redis_url, archive, monkeypatch
):
    may_return, follow = threading.Event(), Subscription._follow

    async def follow_later(*arguments):
        await eventually_async(may_return.is_set)
        await follow(*arguments)

    archive.article("A storm")
    with FakeWorker(redis_url):
        async with AsyncTestClient(app) as api:
            await warmed(api)
            memory = app.state.deps.cache.memory
            monkeypatch.setattr(Subscription, "_follow", follow_later)
            redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

            await eventually_async(lambda: not memory.is_on)
            assert len(memory) == 0
            assert served(await api.get(STORM)) == "hit; detail=redis"
            assert len(memory) == 0
            may_return.set()
            await eventually_async(lambda: memory.is_on)
            await warmed(api)


async def test_a_silent_connection_is_found_out(app, monkeypatch):
    monkeypatch.setattr(drops, "PING_SECONDS", 0.05)
    async with AsyncTestClient(app):
        memory = app.state.deps.cache.memory
        await eventually_async(lambda: memory.is_on)
        monkeypatch.setattr("redis.asyncio.client.PubSub.ping", _nothing)
        await eventually_async(lambda: not memory.is_on)


async def _nothing(*_):
    return None


async def test_what_is_asked_for_most_is_made_anew_before_anyone_asks(app, redis_url, ports, monkeypatch):
    monkeypatch.setattr(ahead, "TICK_SECONDS", 0.05)
    storm(ports, "First", 1)
    with FakeWorker(redis_url):
        async with AsyncTestClient(app) as api:
            await warmed(api)
            for _ in range(ahead.WORTH):
                await api.get(STORM)
            at = app.state.deps
            name = at.cache.alias(("/articles", b"q=storm", b"*/*")).name
            storm(ports, "Entirely different", 2)

            async def remade():
                kept = at.cache.memory.get(name)
                return kept is not None and kept.total == 2

            await eventually_async(remade)
            assert at.ahead.remade >= 1
            answer = await api.get(STORM)
            assert (served(answer), answer.json()["total"]) == ("hit; detail=memory", 2)


@pytest.mark.parametrize(
    "address", [STORM, "/articles/sentiment/trends?q=storm", "/searches/related?q=storm"]
)
async def test_what_is_made_anew_by_several_at_once_is_made_once(app, archive, address):
    archive.article("A storm")
    # In this very loop, so that its plans can be carried out here.
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as api,
    ):
        await api.get(address, headers={"Prefer": "wait=0"})
        at = app.state.deps
        [remake] = at.ahead._plans.values()
        stored = at.cache.stats.stored
        await asyncio.gather(remake(), remake())
        assert at.cache.stats.stored == stored + 1


async def test_what_is_known_and_gone_is_missed_once(app, archive, redis):
    archive.article("A storm")
    address = "/articles?sort=newest"
    async with AsyncTestClient(app) as api:
        await api.get(address)
        at = app.state.deps
        name = at.cache.alias(("/articles", b"sort=newest", b"*/*")).name
        assert served(await api.get(address)) == "hit; detail=memory"
        redis.delete(keys.search(name))
        at.cache.memory.drop([name])
        memory, far = at.cache.memory.counts.misses, at.cache.stats.redis_misses
        assert served(await api.get(address)) == "fwd=miss; stored"
        assert (at.cache.memory.counts.misses, at.cache.stats.redis_misses) == (memory + 1, far + 1)


async def test_processes_do_not_make_the_same_answer_anew_twice(redis, redis_url):
    from shared import redis as redis_clients

    made = []

    class Made:
        expires_at = 0

    async def remake():
        made.append(1)
        return Made()

    client = redis_clients.connect_async(redis_url)
    processes = [ahead.Ahead(client) for _ in range(3)]
    for process in processes:
        process.plan("name", remake)
        for _ in range(ahead.WORTH):
            process.count("name", 1)
        assert process.due(time.time()) == ["name"]
        await process._remake("name", asyncio.Semaphore(1))
    assert len(made) == 1
    assert redis.ttl(keys.remaking("name")) <= ahead.REST_SECONDS
    await client.aclose()


async def test_however_many_wait_to_be_made_anew_a_redis_that_is_away_is_told_once(redis_url):
    from shared import redis as redis_clients

    away, back = redis_clients.connect_async("redis://127.0.0.1:1"), redis_clients.connect_async(redis_url)
    looked_after = ahead.Ahead(away)
    looked_after.plan("name", _nothing)
    with structlog.testing.capture_logs() as logs:
        for _ in range(20):
            await looked_after._remake("name", asyncio.Semaphore(1))
        looked_after._client = back
        await back.set(keys.remaking("name"), b"1")  # another process is at it
        await looked_after._remake("name", asyncio.Semaphore(1))
    assert [line["event"] for line in logs] == ["remaking_interrupted", "remaking_resumed"]
    await away.aclose()
    await back.aclose()


async def test_counts_are_bounded_and_fade():
    looked_after = ahead.Ahead(None)
    for number in range(ahead.REMEMBERED + 10):
        looked_after.plan(f"n{number}", _nothing)
        looked_after.count(f"n{number}", 1)
    assert len(looked_after._plans) == ahead.REMEMBERED
    assert "n0" not in looked_after._counts
    looked_after.halve()
    assert looked_after._counts == {}
    for number in range(200):
        for _ in range(ahead.WORTH):
            looked_after.count(f"n{number + 1000}", 1)
    assert len(looked_after.due(time.time())) == ahead.MOST


async def test_stats_tell_operators_how_well_it_does(two, archive, operator):
    one, other = two
    archive.article("A storm")
    await warmed(one)
    await other.get(STORM)
    assert (await one.get("/cache/stats")).status_code == 401
    stats = (await one.get("/cache/stats", headers=operator)).json()
    assert stats["memory"]["on"]
    assert stats["memory"]["hits"] >= 1
    assert stats["memory"]["entries"] >= 1
    assert 0 < stats["memory"]["bytes"] <= stats["memory"]["max_bytes"]
    assert stats["redis"]["stored"] >= 1
    assert 0 < stats["hit_rate"] < 1
    assert (await other.get("/cache/stats", headers=operator)).json()["redis"]["hits"] == 1


async def test_many_reads_of_one_moment_are_one_question_to_redis(redis, redis_url):
    from api.reads import Reads
    from shared import redis as redis_clients

    redis.mset({"a": b"1", "b": b"2"})
    client = redis_clients.connect_async(redis_url)
    reads = Reads(client)
    before = redis.info("commandstats").get("cmdstat_mget", {"calls": 0})["calls"]
    found = await asyncio.gather(*(reads.get(name) for name in ("a", "b", "a", "none")))
    assert found == [b"1", b"2", b"1", None]
    assert redis.info("commandstats")["cmdstat_mget"]["calls"] == before + 1
    await client.aclose()


async def test_reads_from_a_redis_that_is_away_fail_for_everyone():
    import redis as redis_client

    from api.reads import Reads
    from shared import redis as redis_clients

    reads = Reads(redis_clients.connect_async("redis://127.0.0.1:1"))
    found = await asyncio.gather(*(reads.get(name) for name in "ab"), return_exceptions=True)
    assert all(isinstance(each, redis_client.ConnectionError) for each in found)


@pytest.mark.parametrize("form", ["rss", "atom", "jsonfeed", "csv", "jsonl"])
async def test_a_search_in_another_form_is_kept_like_any_other(two, archive, form):
    one, _ = two
    archive.article("A storm & <more>")
    address = f"/articles?format={form}"
    first, again = await one.get(address), await one.get(address)
    assert first.status_code == 200
    assert (served(again), again.content) == ("hit; detail=memory", first.content)
    assert again.headers["content-type"] == first.headers["content-type"] != "application/json"
    assert b"storm" in first.content
    assert (await one.get(address, headers={"If-None-Match": first.headers["etag"]})).status_code == 304


async def test_feeds_name_the_product_and_not_the_callers_host(two, archive):
    one, _ = two
    archive.article("A storm")
    feed = await one.get("/articles?format=rss&q=storm", headers={"Host": "evil.example"})
    assert b"evil" not in feed.content
    assert b"http://127.0.0.1:8000/articles?q=storm&amp;format=rss" in feed.content


@pytest.mark.parametrize("form", ["json", "rss"])
async def test_nobody_sees_how_another_typed_the_same_query(two, archive, form):
    one, other = two
    for _ in range(2):
        archive.article("A storm at sea")
    wanted = {"format": form, "limit": "1"}
    first = await one.get("/articles", params={"q": "STORM  (“at sea”)", **wanted})
    plain = await other.get("/articles", params={"q": 'storm "at sea"', **wanted})
    assert (plain.content, plain.links) == (first.content, first.links)
    assert "q=storm+%22at+sea%22&" in plain.headers["link"]
    turned = await other.get("/articles", params={"q": '"at sea" storm', **wanted})
    assert "q=%22at+sea%22+storm&" in turned.headers["link"]


async def test_rows_that_are_deleted_under_a_reader_do_no_harm(two, archive, database):
    one, _ = two
    number = archive.article("A storm")
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("DELETE FROM articles WHERE id = %s", (number,))
    assert (await one.get("/articles?format=csv")).status_code == 200
