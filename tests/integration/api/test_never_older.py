"""Whatever changes the archive, the next answer of every cached kind is what an api without a cache would say."""

import asyncio
import json
import time

import msgspec
import psycopg
import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from ingest.handlers.rescore import rescore_sentiment
from ingest.handlers.retention import apply_retention, recheck_reddit
from ingest.pipeline.run import run
from shared.commands import ApplyRetention, RecheckReddit, RescoreSentiment
from tests import items
from tests.fakes import FakeWorker
from tests.items import from_newsapi, from_reddit, raw

pytestmark = pytest.mark.anyio

# An announcement takes about a millisecond; an answer that was not dropped lives for a minute or more.
ANNOUNCED_SECONDS = 10.0
KEPT_SECONDS = 20
TITLE = "Harbour law passes after the long storm"
PAGE = "https://www.theguardian.com/harbour"
POST = "t3_posted"
# Each title is alike to the next one, and not to the one after that.
ROW = [
    "alpha bravo delta gamma hotel india julia storm",
    "bravo delta gamma hotel india julia storm mango",
    "delta gamma hotel india julia storm mango nancy",
]
TIME = "from=2026-02-01&to=2026-03-31"
# Before most of the articles, with them, and after them.
PERIODS = ("from=2026-02-01&to=2026-02-28", "from=2026-03-01&to=2026-03-01", "from=2026-03-02&to=2026-03-31")
PAST = "from=2020-01-01&to=2020-01-31"
ADDRESSES = [
    "/articles",
    "/articles?q=storm",
    "/articles?q=storm&limit=1&sort=newest",
    "/articles?q=storm&sentiment=positive",
    "/articles?q=storm&limit=1&sort=oldest&sentiment=positive",
    "/articles?q=storm+source:reddit",
    "/articles?q=storm&highlight=true&fields=title,also_in",
    "/articles?q=storm+whales&explain=true",
    "/articles?q=storm&format=rss",
    "/articles?q=storm&format=atom",
    "/articles?q=storm&format=jsonfeed",
    "/articles?q=storm&format=csv",
    "/articles?q=storm&format=jsonl",
    "/articles/1",
    "/articles/1/sentiment",
    "/articles/1/similar",
    "/stories/1",
    "/stories/2",
    "/stories/3",
    f"/articles/sentiment/trends?q=storm&{TIME}",
    f"/articles/sentiment/trends?q=whales&{TIME}",
    f"/articles/sentiment/summary?q=storm&{TIME}",
    *(
        address
        for time in PERIODS
        for address in (
            f"/articles?q=storm&{time}",
            f"/articles?q=source:guardian&{time}&sort=oldest",
            f"/articles?{time}",
            f"/articles?{time}&has_image=false&sort=coverage",
            f"/articles/sentiment/trends?q=storm&{time}",
            f"/articles/sentiment/summary?q=source:guardian&{time}&has_image=true",
        )
    ),
]


@pytest.fixture
def ports(database, redis_url):
    with items.ports(database.worker, redis_url, now=None, retention_days=1) as made:
        yield msgspec.structs.replace(made, posts=Posts())


class Posts:
    """Reddit, where one post was deleted."""

    def deleted(self, names):
        return {POST} & set(names)


@pytest.fixture
def archive(ports, database):
    """Two stories that a third title joins, a post that another source tells of, too, and a score of an old method."""
    at = "2026-03-01T10:00:00Z"
    run(
        [
            raw(TITLE, url=PAGE),
            from_newsapi(ROW[0], "https://post.example/1"),
            from_newsapi(ROW[2], "https://post.example/2"),
            from_reddit("A storm that only Reddit saw", "https://storm.example/1", published_at=at),
            from_reddit("Look at this", PAGE, external_id=POST),
        ],
        "f",
        ports,
    )
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute("UPDATE article_sentiments SET method_version = '0', polarity = 1, label = 'positive'")


def arrives(ports):
    run([raw("Whales drown in the harbour", url="https://www.theguardian.com/whales")], "f", ports)


def joins(ports):
    run([from_newsapi(f"{TITLE} - Example Post", "https://post.example/3")], "f", ports)


def merges(ports):
    run([from_newsapi(ROW[1], "https://post.example/4")], "f", ports)


def improves(ports):
    better = raw(
        "Harbour law passes at last", url=PAGE, content="More. " * 99, modified_at="2026-03-02T11:00:00Z"
    )
    run([better], "f", ports)


def is_dated_earlier(ports):
    run([raw(TITLE, url=PAGE, published_at="2026-02-15T09:00:00Z")], "f", ports)


def gets_a_picture(ports):
    pictured = raw(
        TITLE, url=PAGE, content="Storm. " * 99, image_url="https://i.example/1.jpg",
        modified_at="2026-03-02T11:00:00Z",
    )  # fmt: skip
    run([pictured], "f", ports)


def is_posted_again(ports):
    run([from_reddit("Look at that", PAGE, source_name="r/harbours")], "f", ports)


def is_scored_again(ports):
    rescore_sentiment(RescoreSentiment(), ports, "r")


def is_deleted_on_reddit(ports):
    recheck_reddit(RecheckReddit(), ports, "r")


def is_past_its_time(ports):
    apply_retention(ApplyRetention(), ports, "r")


CHANGES = [
    arrives, joins, merges, improves, is_dated_earlier, gets_a_picture, is_posted_again, is_scored_again,
    is_deleted_on_reddit, is_past_its_time,
]  # fmt: skip


@pytest.fixture
async def cached(settings, redis_url):
    """An api that would never find out by itself."""
    patient = msgspec.structs.replace(settings, memory_seconds=300)
    with FakeWorker(redis_url):
        async with AsyncTestClient(create_app(patient)) as api:
            yield api


@pytest.fixture
async def uncached(settings, redis):
    """The same on another, empty Redis."""
    other = msgspec.structs.replace(settings, redis_url=f"{settings.redis_url}/1", memory_seconds=0)
    async with AsyncTestClient(create_app(other)) as api:
        yield api


@pytest.fixture
def truth(uncached, redis_url):
    async def told(address):
        with items.redis_client.Redis.from_url(f"{redis_url}/1") as client:
            client.flushdb()
        return await ask(uncached, address)

    return told


async def ask(api, address):
    return seen(await api.get(address, follow_redirects=False))


def seen(answer):
    """What a reader sees of articles: not how fresh they are, nor the bytes in which a cursor says where to go on."""
    if answer.status_code != 200:
        return answer.status_code, answer.headers.get("location")
    if answer.headers["content-type"] != "application/json":
        return 200, answer.text
    body = json.loads(answer.content)
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in ("freshness", "next")}
    return 200, body


async def warmed(api, address):
    """Its answer, when it will stay for a while if nobody drops it; of what is never kept, any."""
    deadline = time.monotonic() + 30
    while True:
        answer = await api.get(address)
        status = answer.headers.get("cache-status", "fwd=bypass")
        if "fwd=bypass" in status or int(status.rpartition("ttl=")[2] or 0) > KEPT_SECONDS:
            return seen(answer)
        assert time.monotonic() < deadline
        await asyncio.sleep(0.3)


@pytest.mark.parametrize("change", CHANGES)
async def test_the_next_answer_has_it(cached, truth, archive, ports, change):
    before = {address: await warmed(cached, address) for address in ADDRESSES}
    assert before == {address: await truth(address) for address in ADDRESSES}
    await asyncio.to_thread(change, ports)
    after = {address: await truth(address) for address in ADDRESSES}
    assert before != after
    deadline = time.monotonic() + ANNOUNCED_SECONDS
    while older := [each for each in ADDRESSES if await ask(cached, each) != after[each]]:
        assert time.monotonic() < deadline, older
        await asyncio.sleep(0.05)


async def test_the_answers_of_a_time_that_is_over_stay_until_an_article_of_that_time_comes(
    cached, archive, ports
):
    past = [
        f"/articles?q=storm&{PAST}",
        f"/articles/sentiment/trends?q=storm&{PAST}",
        f"/articles/sentiment/summary?q=storm&{PAST}",
    ]
    now = "/articles?q=storm&from=2026-03-01"
    before = {address: await warmed(cached, address) for address in [*past, now]}
    await asyncio.to_thread(run, [raw("A new storm drowns the harbour")], "f", ports)
    deadline = time.monotonic() + ANNOUNCED_SECONDS
    while await ask(cached, now) == before[now]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    for address in past:
        answer = await cached.get(address)
        assert "; hit" in answer.headers["cache-status"], address
        assert seen(answer) == before[address]
    await asyncio.to_thread(
        run, [raw("A storm of long ago", published_at="2020-01-15T09:00:00Z")], "f", ports
    )
    deadline = time.monotonic() + ANNOUNCED_SECONDS
    while older := [address for address in past if await ask(cached, address) == before[address]]:
        assert time.monotonic() < deadline, older
        await asyncio.sleep(0.05)
