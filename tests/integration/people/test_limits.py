"""Limits: who is counted as what, what is told, what costs nothing, and what cannot be spoofed."""

import asyncio
import re

import msgspec
import pytest

from api.app import create_app
from shared import redis as redis_clients
from tests.people import Person

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("within_an_hour")]


@pytest.fixture
def settings(settings, monkeypatch):
    # Who is slow to hear from Redis lets everybody in.
    monkeypatch.setattr(redis_clients, "CONNECT_TIMEOUT_SECONDS", 60)
    monkeypatch.setattr(redis_clients, "SOCKET_TIMEOUT_SECONDS", 60)
    return msgspec.structs.replace(
        settings,
        limit_address_burst=20,
        limit_address_hour=30,
        limit_user_burst=25,
        limit_burst_seconds=3600,
        trusted_proxies="10.0.0.0/8, 192.0.2.1",
    )


async def admitted(client, count, **details):
    answers = await asyncio.gather(*(client.get("/sources", **details) for _ in range(count)))
    return sum(each.status_code == 200 for each in answers), answers


async def test_a_burst_is_counted_exactly_and_told(person):
    client = person().client
    count, answers = await admitted(client, 50)
    assert count == 20
    refused = next(each for each in answers if each.status_code == 429)
    assert refused.json()["code"] == "too_many_requests"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["ratelimit-policy"] == '"burst";q=20;w=3600, "hour";q=30;w=3600'
    assert re.fullmatch(r'"burst";r=0;t=\d+, "hour";r=10;t=\d+', refused.headers["ratelimit"])
    assert refused.headers["x-ratelimit-limit"] == "20"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert refused.headers["x-ratelimit-reset"] == refused.headers["retry-after"]
    assert (await client.get("/health")).status_code == 200  # a load balancer is never refused
    assert (await admitted(person(address="203.0.113.8").client, 5))[0] == 5


async def test_a_304_and_a_5xx_cost_nothing(person, archive, app, monkeypatch):
    article, client = archive.article(), person().client
    tag = (await client.get(f"/articles/{article}")).headers["etag"]
    for _ in range(30):
        answer = await client.get(f"/articles/{article}", headers={"If-None-Match": tag})
        assert answer.status_code == 304
        assert answer.headers["x-ratelimit-remaining"]

    async def broken(_):
        raise RuntimeError("broken")

    with monkeypatch.context() as patched:
        patched.setattr(app.state.deps.database, "read", broken)
        for _ in range(30):
            assert (await client.get("/sources")).status_code == 500
    assert (await admitted(client, 50))[0] == 19


async def test_users_and_keys_have_limits_of_their_own(person):
    marta = await person().sign_in()
    key = (await marta.write("POST", "/me/keys", json={"name": "k", "scopes": ["read"]})).json()["key"]
    count, _ = await admitted(marta.client, 50)
    assert count == 24  # one was the key
    other_tab = person(address="203.0.113.99")
    other_tab.client.cookies.update(dict(marta.client.cookies))
    assert (await admitted(other_tab.client, 5))[0] == 0  # the user is limited, wherever they are
    assert (await admitted(person().client, 5, headers={"X-API-Key": key}))[0] == 5


async def test_wrong_credentials_cost_too(person):
    client = person().client
    statuses = [(await client.get("/sources", headers={"X-API-Key": "guess"})).status_code for _ in range(25)]
    assert statuses == [401] * 20 + [429] * 5


async def test_addresses_are_believed_from_trusted_hops_only(app, upstreams):
    outsider, inside = Person(app, upstreams, "203.0.113.7"), Person(app, upstreams, "10.1.2.3")

    async def spend(person, count, forwarded):
        return (await admitted(person.client, count, headers={"X-Forwarded-For": forwarded}))[0]

    # Whoever is not the load balancer may write what they like.
    assert sum([await spend(outsider, 1, f"198.51.100.{n}") for n in range(30)]) == 20
    # Behind it the nearest untrusted address counts, not what the client wrote in front.
    assert sum([await spend(inside, 1, f"198.51.100.{n}, 203.0.113.50, 192.0.2.1") for n in range(30)]) == 20
    assert await spend(inside, 5, "203.0.113.51") == 5
    # A whole IPv6 network is one caller.
    assert sum([await spend(inside, 1, f"2001:db8:1:2::{n}") for n in range(30)]) == 20
    assert await spend(inside, 5, "2001:db8:1:3::1") == 5
    assert await spend(inside, 5, "not an address") == 5


async def test_limits_hold_over_several_processes(settings, upstreams, working):
    apps = [create_app(settings) for _ in range(4)]
    async with apps[0].lifespan(), apps[1].lifespan(), apps[2].lifespan(), apps[3].lifespan():
        people = [Person(app, upstreams) for app in apps]
        counts = await asyncio.gather(*(admitted(each.client, 25) for each in people))
        assert sum(count for count, _ in counts) == 20


async def test_without_redis_everybody_comes_in_and_it_is_counted(settings, upstreams, working):
    app = create_app(msgspec.structs.replace(settings, redis_url="redis://127.0.0.1:1"))
    counted = []
    async with app.lifespan():
        app.state.deps.people.limiter._metrics = type(
            "Counting", (), {"count": lambda _, name, **__: counted.append(name)}
        )()
        assert (await admitted(Person(app, upstreams).client, 60))[0] == 60
    assert counted.count("rate_limit_open") == 60


async def test_a_cached_search_pays_no_round_trip_for_its_limit(settings, upstreams, working, archive):
    archive.article("Storm")
    generous = msgspec.structs.replace(settings, limit_address_burst=10_000, limit_address_hour=100_000)
    app = create_app(generous)
    async with app.lifespan():
        client, at = Person(app, upstreams).client, app.state.deps
        await client.get("/articles?sort=newest")
        await asyncio.sleep(0.1)
        sent = []
        inner = at.redis.execute_command

        async def counting(*arguments, **options):
            sent.append(arguments[0])
            return await inner(*arguments, **options)

        at.redis.execute_command = counting
        for _ in range(20):
            assert "hit" in (await client.get("/articles?sort=newest")).headers["cache-status"]
        assert sent == []
