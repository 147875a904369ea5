"""API keys: shown once, scoped, ending, revocable; and roles."""

import hmac

import psycopg
import pytest

from api.auth import api_keys
from tests.eventually import eventually_async

pytestmark = pytest.mark.anyio


async def made(person, *scopes, **details):
    body = {"name": "a key", "scopes": list(scopes), **details}
    answer = await person.write("POST", "/me/keys", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_key_is_shown_once_and_stored_hashed(person, rows):
    marta = await person().sign_in()
    headers = {"Idempotency-Key": "once"}
    body = {"name": "laptop", "scopes": ["read", "me:read"]}
    answers = [await marta.write("POST", "/me/keys", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["cache-control"] == "no-store"
    key = answers[0].json()["key"]
    [listed] = (await marta.client.get("/me/keys")).json()["keys"]
    assert listed["prefix"] == key[: len(listed["prefix"])] != key
    assert key not in (await marta.client.get("/me/keys")).text
    assert rows("SELECT hash FROM api_keys") == [(api_keys.digest_of(key),)]
    program = person()
    program.client.headers["X-API-Key"] = key
    me = (await program.client.get("/me")).json()
    assert (me["signed_in_by"], me["scopes"]) == ("key", ["me:read", "read"])
    await eventually_async(lambda: rows("SELECT last_used_at FROM api_keys")[0][0] is not None)


async def test_a_key_does_no_more_than_its_scopes(person, archive):
    article, marta = archive.article(), await person().sign_in()
    program = person()
    allowed = {
        "read": {("GET", "/articles")},
        "me:read": {("GET", "/me"), ("GET", "/me/saved"), ("GET", "/me/keys"), ("GET", "/me/export")},
        "me:write": {("PUT", f"/me/saved/articles/{article}"), ("DELETE", "/me/history")},
    }
    never = {("POST", "/me/keys"), ("DELETE", "/me"), ("POST", "/auth/logout"), ("DELETE", "/me/keys/1")}
    for scope, may in allowed.items():
        program.client.headers["X-API-Key"] = (await made(marta, scope))["key"]
        for method, path in set().union(*allowed.values(), never):
            answer = await program.client.request(
                method, path, json={} if method in {"PUT", "POST"} else None
            )
            if (method, path) in may:
                assert answer.status_code < 300, (scope, path)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), (scope, path)


async def test_keys_end(person, database):
    marta, program = await person().sign_in(), person()
    key = await made(marta, "read", expires_at="2100-01-01T00:00:00Z")
    program.client.headers["X-API-Key"] = key["key"]
    assert (await program.client.get("/articles")).status_code == 200
    assert (await marta.write("DELETE", f"/me/keys/{key['id']}")).status_code == 204
    answer = await program.client.get("/articles")
    assert (answer.status_code, answer.json()["code"]) == (401, "credentials_refused")
    assert (await marta.write("DELETE", f"/me/keys/{key['id']}")).status_code == 404
    for wrong in ("2001-01-01T00:00:00Z", "2100-01-01T00:00:00", "tomorrow"):
        answer = await marta.write(
            "POST", "/me/keys", json={"name": "x", "scopes": ["read"], "expires_at": wrong}
        )
        assert (answer.status_code, answer.json()["parameter"]) == (400, "expires_at")
    expired = await made(marta, "read")
    with psycopg.connect(database.admin) as admin:
        admin.execute("UPDATE api_keys SET expires_at = now() WHERE id = %s", (expired["id"],))
    program.client.headers["X-API-Key"] = expired["key"]
    assert (await program.client.get("/articles")).status_code == 401


async def test_keys_that_are_none(person):
    for key in ("", "x", "nik_00000000_" + "0" * 64, "nik_0000000'_" + "0" * 64, "x" * 10_000):
        answer = await person().client.get("/articles", headers={"X-API-Key": key})
        assert (answer.status_code, answer.json()["code"]) == (401, "credentials_refused")


async def test_operators_are_named_by_the_database(person, database):
    marta = await person().sign_in()
    body = {"name": "x", "scopes": ["operate"]}
    answer = await marta.write("POST", "/me/keys", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "operators_only")
    with psycopg.connect(database.admin) as admin:
        admin.execute("UPDATE users SET roles = '{user,operator}'")
    assert (await marta.write("POST", "/me/keys", json=body)).status_code == 201


@pytest.mark.parametrize("place", [0, -1])
async def test_a_key_is_compared_whole_by_the_comparison_whose_time_does_not_depend_on_it(monkeypatch, place):
    from api.auth.revocation import Revocations
    from api.queries.people import LiveKey

    key = "nik_" + "a" * 8 + "_" + "b" * 64
    wrong = bytearray(api_keys.digest_of(key))
    wrong[place] ^= 1
    live = LiveKey(id=1, user_id=1, hash=bytes(wrong), scopes=[], roles=[], expires_at=None)

    async def find(_):
        return live

    compared, constant_time = [], hmac.compare_digest

    def spy(one, other):
        compared.append((one, other))
        return constant_time(one, other)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    assert await api_keys.ApiKeys(find, Revocations(None, access_seconds=600)).principal(key) is None
    assert compared == [(live.hash, api_keys.digest_of(key))]
