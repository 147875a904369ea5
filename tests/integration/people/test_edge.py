"""What is answered out of memory went past the same door: headers, credentials, limits, and nobody's own answers."""

import msgspec
import pytest

from api.app import create_app
from shared.keys import STANDING
from tests.eventually import eventually_async
from tests.people import Person

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("within_an_hour")]
# A word that no source of the tests has anything about.
STORM = "/articles?q=xylograph&sort=newest"
MEMORY = "newsintel; hit; detail=memory"


@pytest.fixture
def settings(settings):
    """Memory and a window of limits that outlast a test."""
    return msgspec.structs.replace(settings, memory_seconds=300, limit_burst_seconds=3600)


@pytest.fixture
async def warmed(person, archive):
    """Nobody in particular, who has had the answer; it is in memory now."""
    archive.article("Xylograph", source_name="Loud Outlet")
    client = person().client

    async def fresh():
        answer = await client.get(STORM)
        # While it is refreshing it lives for a second.
        state = answer.json()["freshness"]["state"]
        return answer.headers["cache-status"].startswith(MEMORY) and state == "fresh"

    await eventually_async(fresh)
    return client


async def key_of(someone, *scopes):
    made = await someone.write("POST", "/me/keys", json={"name": "k", "scopes": scopes})
    return made.json()


async def test_a_hit_in_memory_is_hardened_and_counted(warmed):
    first, second = await warmed.get(STORM), await warmed.get(STORM)
    assert first.headers["content-security-policy"].startswith("default-src 'none'")
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    left = [int(each.headers["x-ratelimit-remaining"]) for each in (first, second)]
    assert left[0] - left[1] == 1
    unchanged = await warmed.get(STORM, headers={"If-None-Match": first.headers["etag"]})
    assert unchanged.status_code == 304
    assert unchanged.headers["content-security-policy"]


async def test_a_hit_in_memory_uses_the_limit_up(settings, upstreams, working, archive):
    archive.article("A storm")
    app = create_app(msgspec.structs.replace(settings, limit_address_burst=10))
    async with app.lifespan():
        client = Person(app, upstreams).client
        statuses = [(await client.get("/articles?sort=newest")).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2


@pytest.mark.parametrize(
    "headers", [{"X-API-Key": "nik_0_0"}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp4"}]
)
async def test_wrong_credentials_are_refused_although_the_answer_is_there(warmed, headers):
    refused = await warmed.get(STORM, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "credentials_refused")
    assert refused.headers["content-security-policy"]


async def test_a_key_is_good_for_a_hit_until_it_is_revoked(warmed, person):
    marta = await person().sign_in()
    made = await key_of(marta, "read")
    headers = {"X-API-Key": made["key"]}
    hit = await warmed.get(STORM, headers=headers)
    assert hit.headers["cache-status"].startswith(MEMORY)
    assert (await marta.write("DELETE", f"/me/keys/{made['id']}")).status_code == 204
    assert (await warmed.get(STORM, headers=headers)).status_code == 401


async def test_a_key_without_the_scope_gets_no_hit_either(warmed, person):
    made = await key_of(await person().sign_in(), "me:read")
    refused = await warmed.get(STORM, headers={"X-API-Key": made["key"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_a_personal_answer_is_nobody_elses(warmed, person, redis):
    marta, other = await person().sign_in(), await person().sign_in("slow_morning_coffee")
    await marta.write("PUT", "/me/preferences/outlets_hidden", json={"value": ["LOUD outlet", "Unheard Of"]})
    for _ in range(3):
        mine = await marta.client.get(f"{STORM}&personal=true")
        assert mine.json()["articles"] == []
    assert mine.headers["cache-control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(mine.headers["vary"].replace(",", "").split())
    assert (await warmed.get(f"{STORM}&personal=true")).status_code == 401
    theirs = (await other.client.get(f"{STORM}&personal=true")).json()["articles"]
    assert [each["title"] for each in theirs] == ["Xylograph"]
    # What somebody hides is in no key and no text of the cache.
    kept = redis.mget(redis.keys("search:*"))
    assert kept
    assert not [
        text
        for text in (*kept, *redis.keys("*"), *redis.zrange(STANDING, 0, -1))
        if b"unheard" in text.lower()
    ]


async def test_a_query_that_names_a_language_or_source_itself_goes_first(person, archive):
    archive.article("Ein Sturm", language="de", source="newsapi")
    marta = await person().sign_in()
    for key, value in (("language", "en"), ("sources", ["guardian"])):
        await marta.write("PUT", f"/me/preferences/{key}", json={"value": value})
    found = (await marta.client.get("/articles?q=sturm lang:de source:newsapi&personal=true")).json()
    assert [each["title"] for each in found["articles"]] == ["Ein Sturm"]


async def test_hits_are_remembered_for_who_made_them(warmed, person, rows):
    marta = await person().sign_in()
    for _ in range(3):
        assert (await marta.client.get(STORM)).headers["cache-status"].startswith(MEMORY)
    mine = "SELECT count(*) FROM search_history WHERE user_id IS NOT NULL AND query = 'xylograph' AND results_count = 1"
    await eventually_async(lambda: rows(mine) == [(3,)])
    # Those of `warmed` came from one address.
    assert rows("SELECT count(*) FROM search_history WHERE user_id IS NULL") == [(1,)]
