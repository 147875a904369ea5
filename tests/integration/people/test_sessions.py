"""Sessions: renewing, ending, and what a thief could try."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest

from api.auth.tokens import Keyring, new_key
from shared import keys
from tests.eventually import eventually_async
from tests.people import COFFEE, MARTA, ORIGIN, SESSION_KEYS

pytestmark = pytest.mark.anyio


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def refused(client, token):
    client.headers["Authorization"] = f"Bearer {token}"
    for path in ("/me", "/articles"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "credentials_refused"), path
        assert "invalid_token" in answer.headers["www-authenticate"]


# Access tokens --------------------------------------------------------------------------------------------------


async def test_forged_access_tokens(person):
    """alg none, swapped algorithm, wrong key id, expired, tampered, of another issuer, and no token at all."""
    program = person()
    good = (await program.tokens())["access_token"]
    header, payload, signature = good.split(".")
    key_id, key = Keyring(SESSION_KEYS).signing
    claims = jwt.decode(good, options={"verify_signature": False})

    def signed(kid=key_id, **changes):
        return jwt.encode({**claims, **changes}, key, algorithm="HS256", headers={"kid": kid})

    def by_hand(head):
        text = f"{part(head)}.{payload}"
        mac = hmac.new(key, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    other = jwt.encode(claims, b"x" * 32, algorithm="HS256", headers={"kid": key_id})
    forged = [
        f"{part({'alg': 'none', 'kid': key_id})}.{payload}.",
        f"{part({'alg': 'None', 'kid': key_id})}.{payload}.{signature}",
        by_hand({"alg": "RS256", "kid": key_id}),
        by_hand({"alg": "HS256"}),
        by_hand({"alg": "HS256", "kid": ["a"]}),
        by_hand({"alg": "HS512", "kid": key_id}),
        signed(kid="other"),
        signed(kid="../../dev/null"),
        signed(exp=int(time.time()) - 1),
        signed(iss="somebody"),
        signed(aud="something"),
        signed(sub="1 OR 1=1"),
        signed(role="god"),
        other,
        f"{header}.{part({**claims, 'sub': '2'})}.{signature}",
        good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "",
        "a.b.c",
        "x" * 5000,
    ]
    for token in forged:
        await refused(program.client, token)
    program.bear(good)
    assert (await program.client.get("/me")).status_code == 200


async def test_keys_rotate_without_ending_sessions(settings, upstreams, working):
    import msgspec

    from api.app import create_app
    from tests.people import Person

    old, new = (
        create_app(settings),
        create_app(msgspec.structs.replace(settings, session_keys=f"{new_key()},{SESSION_KEYS}")),
    )
    async with old.lifespan(), new.lifespan():
        before, after = Person(old, upstreams), Person(new, upstreams)
        token = (await before.tokens())["access_token"]
        after.bear(token)
        assert (await after.client.get("/me")).status_code == 200
        await after.tokens()
        before.client.headers["Authorization"] = after.client.headers["Authorization"]
        assert (await before.client.get("/me")).status_code == 401  # it has not heard of the new key


# Refresh tokens -------------------------------------------------------------------------------------------------


async def test_a_refresh_token_rotates_and_its_reuse_ends_the_session(person, rows):
    program = person()
    first = await program.tokens()
    answer = await program.client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    second = answer.json()
    assert second["refresh_token"] != first["refresh_token"]
    program.bear(second["access_token"])
    assert (await program.client.get("/me")).status_code == 200
    again = await program.client.post("/auth/refresh", json={"refresh_token": second["refresh_token"]})
    assert again.status_code == 200
    # The thief comes with the first one, after its successor was used.
    thief = await person().client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert (thief.status_code, thief.json()["code"]) == (401, "credentials_refused")
    # The whole family ends, access tokens included.
    last = await program.client.post("/auth/refresh", json={"refresh_token": again.json()["refresh_token"]})
    assert last.status_code == 401
    await refused(program.client, again.json()["access_token"])
    assert rows("SELECT ended_why FROM sessions") == [("token_reused",)]


async def test_tabs_that_renew_at_the_same_moment_share_the_answer(person):
    import asyncio

    program = person()
    token = (await program.tokens())["refresh_token"]
    answers = await asyncio.gather(
        *(program.client.post("/auth/refresh", json={"refresh_token": token}) for _ in range(5))
    )
    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["refresh_token"] for each in answers}) == 1


async def test_refresh_tokens_that_are_none(person):
    for token in ("", "x", "a" * 32 + "." + "b" * 64, "../x", "%00"):
        answer = await person().client.post("/auth/refresh", json={"refresh_token": token})
        assert (answer.status_code, answer.json()["code"]) == (401, "credentials_refused")


async def test_a_browser_renews_with_its_cookie(person):
    marta = await person().sign_in()
    before = marta.client.cookies.get("__Host-newsintel-refresh")
    assert (await marta.client.post("/auth/refresh")).status_code == 403  # no CSRF token
    answer = await marta.write("POST", "/auth/refresh")
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    assert marta.client.cookies.get("__Host-newsintel-refresh", domain="127.0.0.1") != before
    assert (await marta.client.get("/me")).status_code == 200


# Ending ---------------------------------------------------------------------------------------------------------


async def test_signing_out_ends_the_session_at_once_in_every_process(settings, upstreams, working):
    from api.app import create_app
    from tests.people import Person

    here, there = create_app(settings), create_app(settings)
    async with here.lifespan(), there.lifespan():
        marta, elsewhere = Person(here, upstreams), Person(there, upstreams)
        await marta.sign_in()
        jar = dict(marta.client.cookies)
        token = jar["__Host-newsintel"]
        elsewhere.bear(token)
        assert (await elsewhere.client.get("/me")).status_code == 200
        answer = await marta.write("POST", "/auth/logout")
        assert (answer.status_code, answer.json()) == (200, {"count": 1})
        assert not dict(marta.client.cookies).get("__Host-newsintel")
        await refused(elsewhere.client, token)
        same = Person(here, upstreams)
        await refused(same.client, token)
        answer = await same.client.post(
            "/auth/refresh",
            json={"refresh_token": jar["__Host-newsintel-refresh"]},
            headers={"Authorization": ""},
        )
        assert answer.status_code == 401


async def test_signing_out_everywhere(person, upstreams, rows):
    phone, laptop = await person().sign_in(), person()
    await laptop.tokens()
    answer = await phone.write("POST", "/auth/logout?everywhere")
    assert answer.json() == {"count": 2}
    assert (await laptop.client.get("/me")).status_code == 401
    [(tokens,)] = rows("SELECT reddit_tokens FROM users")
    assert tokens is None
    await eventually_async(lambda: rows("SELECT count(*) FROM revocations") == [(0,)])  # and Reddit was told


async def test_revocation_is_read_from_the_database_when_redis_cannot_tell(person, app, rows):
    program = person()
    await program.tokens()
    people = app.state.deps.people
    people.revocations._subscription._following.clear()  # as when the connection is lost
    assert not people.revocations.current
    assert (await program.client.get("/me")).status_code == 200
    import psycopg

    with psycopg.connect(app.state.deps.settings.database_url.replace("newsintel_api", "postgres")) as admin:
        admin.execute("UPDATE sessions SET ended_at = now(), ended_why = 'test'")
    assert (await program.client.get("/me")).status_code == 401


async def test_what_was_revoked_while_the_channel_could_not_be_heard_is_known_with_its_return(
    app, person, redis
):
    await person().sign_in()
    revocations = app.state.deps.people.revocations
    redis.zadd(keys.REVOKED, {keys.revoked_session("meanwhile"): time.time() + 60})
    assert keys.revoked_session("meanwhile") not in revocations
    redis.client_kill_filter(_type="pubsub")
    await eventually_async(lambda: keys.revoked_session("meanwhile") in revocations and revocations.current)


# Cross-site requests --------------------------------------------------------------------------------------------


async def test_cross_site_writes_are_refused(person, archive, rows):
    article, marta = archive.article(), await person().sign_in()
    stranger = await person().sign_in(COFFEE)
    path, right = f"/me/saved/articles/{article}", marta.csrf
    attempts = [
        {},
        {"Origin": ORIGIN},
        {"X-CSRF-Token": "x"},
        {"X-CSRF-Token": ""},
        stranger.csrf,
        {**right, "Origin": "https://evil.example"},
        {**right, "Origin": "null"},
        {**right, "Sec-Fetch-Site": "cross-site"},
        {**right, "Sec-Fetch-Site": "same-site"},
    ]
    for headers in attempts:
        answer = await marta.client.put(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), headers
    assert (await marta.client.post("/auth/logout")).status_code == 403
    assert (await marta.client.delete("/me")).status_code == 403
    assert rows("SELECT * FROM saved_articles") == []
    assert (await marta.write("PUT", path)).status_code == 201


async def test_reading_needs_no_csrf_token_and_a_stale_cookie_is_nobody(person):
    marta = await person().sign_in()
    assert (await marta.client.get("/me")).json()["user"]["username"] == MARTA
    fresh = person()
    fresh.client.cookies.set("__Host-newsintel", "stale")
    assert (await fresh.client.get("/articles")).status_code == 200
    answer = await fresh.client.get("/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
