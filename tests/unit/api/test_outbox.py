"""What requests leave behind: each search once, without the names that nobody wants remembered, and never lost."""

from datetime import UTC, datetime

import pytest
import redis.asyncio

from api.outbox import KEPT, LOOKED_UP, Outbox
from api.queries.searches import RELATED_SPAN
from api.repeats import SAME_SECONDS, Repeats
from api.routes.searches import HOURS
from shared.commands import RecordSearches, TouchKeys
from shared.errors import DependencyError
from shared.meter import Meter
from shared.metrics import NullMetrics

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Bus:
    """Remembers what was sent; away when it is told so."""

    def __init__(self):
        self.sent = []
        self.away = False

    async def send(self, command, *, command_id=None):
        if self.away:
            raise DependencyError("away")
        self.sent.append((command, command_id))

    @property
    def searches(self):
        return [
            (each.query, each.results_count, each.user_id)
            for command, _ in self.sent
            if isinstance(command, RecordSearches)
            for each in command.searches
        ]


class Clock:
    def __init__(self):
        self.now = datetime(2026, 1, 31, 18, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def client(redis_url):
    async with redis.asyncio.Redis.from_url(redis_url) as connected:
        yield connected


@pytest.fixture
def outbox(bus, clock, client):
    return process(bus, clock, client)


def process(bus, clock, client, metrics=None):
    async def off(users):
        return users & {13}

    return Outbox(bus, Repeats(client, "secret"), off, clock, metrics or NullMetrics())


async def test_an_address_counts_once_and_a_user_each_time(outbox, bus):
    for _ in range(3):
        outbox.searched("storm", 1, None, "192.0.2.1")
        outbox.searched("storm", 2, 7, "192.0.2.1")
    outbox.searched("storm", 3, None, "192.0.2.2")
    await outbox.flush()
    assert sorted(bus.searches, key=str) == [
        ("storm", 1, None), ("storm", 2, 7), ("storm", 2, 7), ("storm", 2, 7), ("storm", 3, None),
    ]  # fmt: skip


async def test_a_feed_reader_is_one_person_whichever_process_it_asks_and_for_how_long(bus, clock, client):
    for _ in range(6):
        outbox = process(bus, clock, client)
        outbox.searched("my own name", 1, None, "192.0.2.1")
        await outbox.flush()
    assert bus.searches == [("my own name", 1, None)]
    [key] = await client.keys("*")
    assert await client.ttl(key) > SAME_SECONDS - 60
    assert await client.get(key) == b""
    assert max(HOURS.kind.highest * 3_600, RELATED_SPAN.total_seconds()) < SAME_SECONDS


async def test_without_redis_searches_wait(bus, clock):
    outbox = process(bus, clock, redis.asyncio.Redis(port=1))
    outbox.searched("storm", 1, None, "192.0.2.1")
    await outbox.flush()
    assert bus.searches == []


async def test_who_switched_the_history_off_is_one_nameless_person_however_often_they_ask(outbox, bus):
    for _ in range(3):
        outbox.searched("storm", 1, 13, "192.0.2.1")
        await outbox.flush()
    outbox.searched("calm", 1, 13, "192.0.2.1")
    await outbox.flush()
    assert bus.searches == [("storm", 1, None), ("calm", 1, None)]


async def test_what_cannot_be_sent_waits_under_its_id(outbox, bus):
    bus.away = True
    outbox.used(3)
    outbox.searched("storm", 1, 13, "192.0.2.1")
    outbox.searched("storm", 1, 7, "192.0.2.1")
    await outbox.flush()
    await outbox.flush()
    assert bus.sent == []
    bus.away = False
    await outbox.flush()
    assert bus.searches == [("storm", 1, 7), ("storm", 1, None)]
    await outbox.flush()
    assert [type(command) for command, _ in bus.sent] == [TouchKeys, RecordSearches]


async def test_one_address_that_repeats_itself_leaves_room_for_everybody(outbox, bus):
    for _ in range(KEPT + 1):
        outbox.searched("storm", 1, None, "192.0.2.1")
    for number in range(2 * LOOKED_UP + 1):
        outbox.searched(f"calm {number}", 1, None, "192.0.2.1")
    await outbox.flush()
    assert bus.searches == [
        ("storm", 1, None), *((f"calm {number}", 1, None) for number in range(2 * LOOKED_UP + 1))
    ]  # fmt: skip


async def test_what_does_not_fit_is_counted(bus, clock, client):
    meter = Meter()
    outbox = process(bus, clock, client, meter)
    for number in range(KEPT + 2):
        outbox.searched(f"storm {number}", 1, 7, "192.0.2.1")
    await outbox.flush()
    assert len(bus.searches) == KEPT
    assert meter.seen().counts == {("search_not_recorded", ("full",)): 2}


async def test_what_cannot_be_sent_at_the_end_is_counted(bus, clock, client):
    meter = Meter()
    outbox = process(bus, clock, client, meter)
    outbox.searched("storm", 1, 7, "192.0.2.1")
    outbox.searched("calm", 1, None, "192.0.2.1")
    await outbox.start()
    await outbox.stop()
    assert (len(bus.searches), meter.seen().counts) == (2, {})
    bus.away = True
    outbox.searched("storm", 1, 7, "192.0.2.1")
    outbox.searched("storm", 1, None, "192.0.2.1")
    await outbox.stop()
    assert meter.seen().counts == {("search_not_recorded", ("stopped",)): 2}


async def test_repeats_tell_people_queries_and_secrets_apart(client):
    repeats = Repeats(client, "secret")
    asked = [("a", "storm"), ("a", "storm"), ("b", "storm"), ("a", "storms")]
    assert await repeats.first(asked) == [True, False, True, True]
    assert await repeats.first([]) == []
    assert await Repeats(client, "another").first(asked[:1]) == [True]
