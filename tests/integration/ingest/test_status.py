"""What the scheduler lets readers know of each source, and how the api tells it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import redis as redis_client
from litestar.testing import AsyncTestClient

from api.app import create_app
from ingest.ports import Priority
from ingest.scheduler import Lease, Scheduler
from ingest.sources import registry, status
from ingest.sources.circuit import Circuit
from shared import keys
from shared.clock import utcnow
from shared.config import ApiSettings, IngestSettings
from shared.events import SourceStatus
from tests import items

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def ingest(database, redis_url):
    return IngestSettings(database_url=database.worker, redis_url=redis_url, guardian_key="test")


@pytest.fixture
async def api(database, redis_url):
    settings = ApiSettings(database_url=database.api, redis_url=redis_url, log_level="warning")
    async with AsyncTestClient(create_app(settings)) as client:
        yield client


def told(redis, source):
    return msgspec.json.decode(redis.get(keys.status(source)), type=SourceStatus)


def test_a_snapshot_of_budget_and_circuit(ingest, redis):
    ledger = registry.ledgers(ingest, redis)["guardian"]
    ledger.charge(Priority.INTERACTIVE)
    ledger.close(datetime.now(UTC) + timedelta(minutes=5))
    circuit = Circuit("newsapi", redis, failures=1, seconds=60)
    circuit.failed("it did not answer")
    status.publish(ingest, redis, utcnow)
    guardian, newsapi = told(redis, "guardian"), told(redis, "newsapi")
    assert guardian.configured
    assert [(left.window, left.limit, left.left) for left in guardian.budget] == [("day", 500, 499)]
    assert guardian.told_to_wait_until > datetime.now(UTC)
    assert (guardian.circuit, guardian.circuit_until) == ("closed", None)
    assert not newsapi.configured
    assert (newsapi.circuit, newsapi.circuit_reason) == ("open", "it did not answer")
    assert newsapi.circuit_until > datetime.now(UTC)
    assert 0 < redis.ttl(keys.status("guardian")) <= status.LIVES_SECONDS


def test_a_circuit_whose_time_is_over_waits_for_a_probe(ingest, redis):
    circuit = Circuit("reddit", redis, failures=1, seconds=0.001)
    circuit.failed("it did not answer")
    status.publish(ingest, redis, lambda: datetime.now(UTC) + timedelta(seconds=1))
    assert told(redis, "reddit").circuit == "half_open"


async def test_one_source_with_its_status(api, ingest, redis):
    status.publish(ingest, redis, utcnow)
    answer = await api.get("/sources/guardian")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["source"], found["status"]["circuit"]) == ("guardian", "closed")
    assert found["status"]["budget"][0]["left"] == 500
    assert found["topics"]


async def test_without_a_status_the_rest_is_told(api, redis):
    redis.set(keys.status("reddit"), b"not json")
    for source in ("guardian", "reddit"):
        answer = await api.get(f"/sources/{source}")
        assert (answer.status_code, answer.json()["status"]) == (200, None)


@pytest.mark.parametrize("name", ["bbc", "Guardian", "x" * 500])
async def test_sources_that_there_are_not(api, name):
    assert (await api.get(f"/sources/{name}")).status_code == 404


def test_a_scheduler_tells_it_and_does_without_redis(ingest, database, redis, redis_url):
    with items.ports(database.worker, redis_url, now=None) as ports:
        scheduler = Scheduler(ports, None, Lease(redis, 15))
        scheduler.tell_status()
        assert told(redis, "reddit").circuit == "closed"
        with redis_client.Redis(port=1, socket_connect_timeout=0.2) as nowhere:
            Scheduler(msgspec.structs.replace(ports, redis=nowhere), None, Lease(redis, 15)).tell_status()
