"""What people search for is told, and what one person searches for is not."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest
import redis as redis_client
from litestar.testing import AsyncTestClient

from api import outbox
from api.app import create_app
from api.queries.searches import FEWEST_PEOPLE
from ingest.handlers.searches import record_searches
from shared import bus
from shared.commands import Queue, RecordSearches
from tests import items

pytestmark = pytest.mark.anyio


class Searches:
    def __init__(self, connection):
        self._connection = connection

    def add(self, query, people, *, ago=timedelta(hours=1), user=None, results=3):
        """people: that many searches that nobody signed in for, or of one user."""
        for _ in range(people):
            self._connection.execute(
                "INSERT INTO search_history (id, user_id, query, results_count, searched_at) "
                "VALUES (%s, %s, %s, %s, %s)",
                (uuid.uuid4(), user, query, results, datetime.now(UTC) - ago),
            )


@pytest.fixture
def searches(database):
    with psycopg.connect(database.worker, autocommit=True) as connection:
        connection.execute("DELETE FROM search_history")
        yield Searches(connection)


def queries(answer):
    return [each["query"] for each in answer.json()["searches"]]


async def test_trending_is_what_grows(api, searches):
    searches.add("always asked", 8)
    searches.add("always asked", 30, ago=timedelta(hours=30))
    searches.add("new", 7)
    answer = await api.get("/searches/trending")
    assert queries(answer) == ["new", "always asked"]
    assert answer.json()["searches"][1]["before"] == 30
    assert answer.json()["fewest_people"] == FEWEST_PEOPLE


async def test_nothing_is_told_that_few_people_searched_for(api, searches):
    searches.add("my own name", FEWEST_PEOPLE - 1)
    searches.add("what one user asks again and again", 50, user=7)
    for user in range(FEWEST_PEOPLE):
        searches.add("what many users ask", 1, user=user)
    searches.add("yesterday's", FEWEST_PEOPLE - 1)
    searches.add("yesterday's", 50, ago=timedelta(hours=30))
    assert queries(await api.get("/searches/trending")) == ["what many users ask"]
    assert queries(await api.get("/searches/related?q=names")) == []
    assert queries(await api.get("/searches/related?q=asking")) == ["what many users ask"]


async def test_related_shares_words_or_people(api, searches):
    searches.add("climate change policy", 6)
    searches.add("changing climates", 6)
    searches.add("football", 9)
    for user in range(FEWEST_PEOPLE):
        searches.add("climate", 1, user=user)
        searches.add("heat pumps", 1, user=user, ago=timedelta(minutes=70))
    found = (await api.get("/searches/related?q=Climate")).json()["searches"]
    assert [(each["query"], each["together"]) for each in found] == [
        ("heat pumps", FEWEST_PEOPLE), ("changing climates", 0), ("climate change policy", 0),
    ]  # fmt: skip
    assert found[1]["shared_words"] == ["climat"]


async def test_a_query_is_known_as_history_has_it(api, searches):
    searches.add("ukraine OR russia", 6)
    for user in range(FEWEST_PEOPLE):
        searches.add("ukraine OR russia", 1, user=user)
        searches.add("gas", 1, user=user, ago=timedelta(minutes=70))
    answer = (await api.get("/searches/related", params={"q": "(Ukraine) OR  Russia"})).json()
    assert answer["query"] == "ukraine OR russia"
    assert [each["query"] for each in answer["searches"]] == ["gas"]


async def test_related_takes_every_query_that_a_search_takes(api, searches):
    longest = " OR ".join(f"word{n:013}" for n in range(46))
    assert len(longest) > 900
    answer = await api.get("/searches/related", params={"q": longest})
    assert (answer.status_code, answer.json()["query"]) == (200, longest)


@pytest.mark.parametrize(
    "path",
    [
        "related",
        "related?q=%20",
        "trending?hours=0",
        "trending?hours=169",
        "related?q=x&limit=99",
        "related?q=(a",
    ],
)
async def test_refusals(api, path):
    assert (await api.get(f"/searches/{path}")).status_code == 400


async def test_a_search_is_recorded_once_for_an_address_and_never_waits(
    settings, archive, redis_url, database, searches, monkeypatch
):
    monkeypatch.setattr(outbox, "SECONDS", 0.05)
    archive.article("A storm")
    async with AsyncTestClient(create_app(settings)) as api:
        for path in ("q=storm", "q=storm", "q=storm&limit=5", "q=storm&page=2", "q=Storms", ""):
            await api.get(f"/articles?{path}", headers={"Prefer": "wait=0"})
        await asyncio.sleep(0.2)
    _record(redis_url, database)
    rows = searches._connection.execute("SELECT query, results_count, user_id FROM search_history").fetchall()
    assert sorted(rows) == [("storm", 1, None), ("storms", 1, None)]


def _record(redis_url, database):
    """What the worker does with the commands that wait."""
    with redis_client.Redis.from_url(redis_url) as client, items.ports(database.worker, redis_url) as ports:
        broker = bus.broker(client)
        broker.declare_queue(Queue.BULK)
        consumer = broker.consume(Queue.BULK, timeout=10)
        for _ in range(20):
            if (message := next(consumer)) is not None:
                record_searches(msgspec.convert(message.args[0], RecordSearches), ports, message.message_id)
                consumer.ack(message)
        consumer.close()
