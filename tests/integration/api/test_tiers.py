"""Where answers were had from: as metrics, and for all processes together in Redis."""

from datetime import UTC, datetime

import pytest
import redis.asyncio

from api.tiers import Tiers
from shared import keys
from shared.meter import Meter

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def meter():
    return Meter()


@pytest.fixture
async def client(redis_url):
    async with redis.asyncio.Redis.from_url(redis_url) as made:
        yield made


def reads(meter):
    return {tier: count for (name, (tier, *_)), count in meter.seen().counts.items() if name == "cache_reads"}


async def test_processes_add_up_in_redis(client, meter):
    for _ in range(2):
        tiers = Tiers(client, lambda: NOON, meter)
        tiers.answered("memory")
        tiers.answered("memory")
        tiers.answered("database")
        await tiers.flush()
        await tiers.flush()
    assert await client.hgetall(keys.cache_reads(NOON)) == {
        b"memory": b"4",
        b"redis": b"0",
        b"database": b"2",
    }
    assert 0 < await client.ttl(keys.cache_reads(NOON)) <= 7_200
    assert reads(meter) == {"memory": 4, "redis": 0, "database": 2}


async def test_without_redis_they_are_counted_all_the_same(meter):
    async with redis.asyncio.Redis.from_url("redis://127.0.0.1:1") as nowhere:
        tiers = Tiers(nowhere, lambda: NOON, meter)
        tiers.answered("database")
        await tiers.flush()
    assert reads(meter)["database"] == 1
    assert meter.seen().counts["cache_failed", ("tell",)] == 1


async def test_each_answer_is_counted_under_the_tier_that_it_names(api, app, archive):
    archive.article("A storm")

    async def cache_status():
        return (await api.get("/articles?sort=newest")).headers["Cache-Status"]

    told = [await cache_status() for _ in range(3)]
    memory = app.state.deps.cache.memory
    memory.drop(list(memory._entries))
    told.append(await cache_status())
    assert [each.split(";")[1].strip().split("=")[0] for each in told] == ["fwd", "hit", "hit", "hit"]
    assert [each.split("detail=")[1].split(";")[0] for each in told[1:]] == ["memory", "memory", "redis"]
    assert app.state.deps.tiers._counts == {"memory": 2, "redis": 1, "database": 1}
