"""Preferences, history, personal searches, what is stored, and the end of an account."""

import json

import pytest

from tests.eventually import eventually_async
from tests.people import COFFEE, MARTA

pytestmark = pytest.mark.anyio


async def test_preferences_are_typed_by_their_key(person):
    marta = await person().sign_in()
    answer = await marta.write("PUT", "/me/preferences/language", json={"value": "de"})
    assert (answer.status_code, answer.json()["value"]) == (201, "de")
    seen = {"If-Match": answer.headers["etag"]}
    assert (
        await marta.write("PUT", "/me/preferences/language", json={"value": "en"}, headers=seen)
    ).status_code == 200
    lost = await marta.write("PUT", "/me/preferences/language", json={"value": "fr"}, headers=seen)
    assert lost.status_code == 412
    for key, value in (
        ("language", "english"),
        ("language", 1),
        ("sources", []),
        ("sources", ["bbc"]),
        ("search_history", "no"),
        ("time_zone", "Mars/Olympus"),
        ("colour", "red"),
    ):
        wrong = await marta.write("PUT", f"/me/preferences/{key}", json={"value": value})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_parameter"), key
    assert (await marta.write("PUT", "/me/preferences/language", json={"values": 1})).status_code == 400
    assert [each["key"] for each in (await marta.client.get("/me/preferences")).json()["preferences"]] == [
        "language"
    ]
    assert (await marta.write("DELETE", "/me/preferences/language")).status_code == 204
    assert (await marta.client.get("/me/preferences/language")).status_code == 404


async def test_a_personal_search(person, archive):
    marta = await person().sign_in()
    archive.article("Xylograph A", source_name="Loud Outlet", language="en")
    archive.article("Xylograph B", source_name="Calm Outlet", language="en")
    archive.article("Xylograph C", source_name="Calm Outlet", language="de", source="newsapi")
    for key, value in (("outlets_hidden", ["LOUD outlet"]), ("language", "en")):
        await marta.write("PUT", f"/me/preferences/{key}", json={"value": value})

    async def titles(query):
        answer = await marta.client.get(f"/articles?{query}")
        return sorted(each["title"] for each in answer.json()["articles"]), answer

    assert len((await titles("q=xylograph"))[0]) == 3
    found, answer = await titles("q=xylograph&personal=true")
    assert found == ["Xylograph B"]
    assert answer.headers["cache-control"].startswith("private")
    assert (await titles("q=xylograph&personal=true&language=de"))[0] == ["Xylograph C"]
    await marta.write("PUT", "/me/preferences/sources", json={"value": ["newsapi"]})
    assert (await titles("q=xylograph&personal&language=de"))[0] == ["Xylograph C"]
    assert (await titles("q=xylograph&personal"))[0] == []
    # Equal preferences share what is cached: the key is the search in the end, not the user.
    other = await person().sign_in(COFFEE)
    for key, value in (("outlets_hidden", ["Loud Outlet"]), ("language", "de"), ("sources", ["newsapi"])):
        await other.write("PUT", f"/me/preferences/{key}", json={"value": value})
    await titles("q=xylograph&personal&language=de")
    answer = await other.client.get("/articles?q=xylograph&personal=true")
    assert "hit" in answer.headers["cache-status"]


async def test_pages_of_a_personal_search_stay_personal_however_it_was_asked_for(person, archive):
    marta = await person().sign_in()
    for number in range(3):
        archive.article(f"Xylograph {number}", language="de")
    archive.article("Xylograph in English", language="en")
    await marta.write("PUT", "/me/preferences/language", json={"value": "de"})
    answer = await marta.client.get("/articles?sort=newest&limit=1&personal")
    assert (answer.status_code, answer.json()["total"]) == (200, 3)
    following = await marta.client.get(answer.links["next"]["url"])
    assert (following.status_code, following.json()["total"]) == (200, 3)


async def test_history_and_its_off_switch(person, archive, rows):
    marta = await person().sign_in()
    archive.article("Storm")
    for query in ("q=storm", "q=calm", "q=calm&page=2", "sort=newest"):
        await marta.client.get(f"/articles?{query}")
    await eventually_async(lambda: rows("SELECT count(*) FROM search_history") == [(2,)])
    searches = (await marta.client.get("/me/history")).json()["searches"]
    assert {each["query"]: each["results_count"] for each in searches} == {"storm": 1, "calm": 0}
    page = (await marta.client.get("/me/history?limit=1")).json()
    rest = (await marta.client.get(f"/me/history?limit=1&cursor={page['next']}")).json()
    assert [*page["searches"], *rest["searches"]] == searches
    assert (await marta.write("DELETE", f"/me/history/{searches[0]['id']}")).status_code == 204
    assert (await marta.client.get("/me/history")).json()["searches"] == searches[1:]
    assert (await marta.write("DELETE", "/me/history")).json() == {"count": 1}
    await marta.write("PUT", "/me/preferences/search_history", json={"value": False})
    await marta.client.get("/articles?q=storm")
    await eventually_async(lambda: rows("SELECT user_id, query FROM search_history") == [(None, "storm")])
    assert (await marta.client.get("/me/history")).json()["searches"] == []


async def test_everything_is_exported(person, archive):
    marta = await person().sign_in()
    await marta.write("PUT", f"/me/saved/articles/{archive.article('Kept')}")
    await marta.write("POST", "/me/keys", json={"name": "k", "scopes": ["read"]})
    answer = await marta.client.get("/me/export")
    everything = answer.json()
    assert answer.headers["content-disposition"].startswith("attachment")
    assert everything["profile"]["username"] == MARTA
    assert everything["saved"][0]["title"] == "Kept"
    assert everything["keys"][0]["name"] == "k"
    assert everything["sessions"][0]["device"] == "a browser"
    assert "signed_in" in {each["action"] for each in everything["audit"]}


async def test_deleting_an_account_leaves_nothing(person, archive, rows, redis, upstreams):
    marta, program = await person().sign_in(), person()
    tokens = await program.tokens()
    await marta.write("PUT", f"/me/saved/articles/{archive.article()}", json={"notes": "my private note"})
    await marta.write("PUT", "/me/preferences/outlets_hidden", json={"value": ["my private outlet"]})
    key = (await marta.write("POST", "/me/keys", json={"name": "my private key", "scopes": ["read"]})).json()[
        "key"
    ]
    await marta.client.get("/articles?q=storm")
    assert (await person().client.get("/articles", headers={"X-API-Key": key})).status_code == 200
    await eventually_async(lambda: rows("SELECT count(*) FROM search_history") == [(1,)])
    await eventually_async(lambda: rows("SELECT last_used_at FROM api_keys")[0][0] is not None)
    [(user_id,)] = rows("SELECT id FROM users")
    assert (await marta.write("DELETE", "/me")).status_code == 204
    assert not dict(marta.client.cookies).get("__Host-newsintel")
    assert (await program.client.get("/me")).status_code == 401
    assert (await person().client.get("/articles", headers={"X-API-Key": key})).status_code == 401
    again = await person().client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert again.status_code == 401
    await eventually_async(lambda: rows("SELECT count(*) FROM revocations") == [(0,)])
    traces = ["my private", "marta_reads_the_news", "q7w3e"]
    for (table,) in rows(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    ):
        text = json.dumps([row[0] for row in rows(f"SELECT to_jsonb(t) FROM {table} t")])
        assert not [trace for trace in traces if trace in text], table
        columns = rows(
            "SELECT 1 FROM information_schema.columns WHERE table_name = %s AND column_name = 'user_id'",
            table,
        )
        assert not columns or rows(f"SELECT count(*) FROM {table} WHERE user_id = %s", user_id) == [(0,)]
    for name in redis.keys("*"):
        content = redis.dump(name) or b""
        assert not [trace for trace in traces if trace.encode() in name + content], name
        assert f"user:{user_id}".encode() not in name


async def test_usage(person):
    marta = await person().sign_in()
    before = {each["name"]: each for each in (await marta.client.get("/me/usage")).json()["limits"]}
    await marta.client.get("/sources")
    after = {each["name"]: each for each in (await marta.client.get("/me/usage")).json()["limits"]}
    assert after["hour"]["used"] - before["hour"]["used"] == 2
    assert after["hour"]["quota"] == 7200
