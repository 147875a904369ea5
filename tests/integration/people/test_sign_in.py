"""Signing in: the way there and back, and everything that must not get in."""

from urllib.parse import parse_qs, urlsplit

import pytest

from api.auth import state
from tests.people import COFFEE, MARTA, ORIGIN, SUSPENDED, consent

pytestmark = pytest.mark.anyio


def query(address):
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def test_a_person_signs_in_and_is_known(person, rows):
    marta = person()
    back = consent(marta.upstreams, await marta.begin("?return_to=/me/saved%3Fq%3Dx"))
    answer = await marta.come_back(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/saved?q=x")
    assert answer.headers["cache-control"] == "no-store"
    me = (await marta.client.get("/me")).json()
    assert me["user"]["username"] == MARTA
    assert me["signed_in_by"] == "cookie"
    [(tokens,)] = rows("SELECT reddit_tokens FROM users")
    assert tokens is not None


async def test_the_cookies_of_a_session(person):
    marta = person()
    answer = await marta.come_back(consent(marta.upstreams, await marta.begin()))
    cookies = {each.split("=")[0]: each for each in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {
        "__Host-newsintel",
        "__Host-newsintel-refresh",
        "__Host-newsintel-csrf",
        "__Host-newsintel-state",
    }
    for name, cookie in cookies.items():
        assert "Secure" in cookie
        assert "Path=/;" in cookie + ";"
        assert "Domain" not in cookie
        assert ("HttpOnly" in cookie) is (name != "__Host-newsintel-csrf")
    assert "SameSite=lax" in cookies["__Host-newsintel"]
    assert "SameSite=strict" in cookies["__Host-newsintel-refresh"]
    assert "Max-Age=0" in cookies["__Host-newsintel-state"]


async def test_the_consent_page_is_asked_for_no_more_than_needed(person):
    asked = query(await person().begin())
    assert asked["scope"] == "identity"
    assert asked["redirect_uri"] == f"{ORIGIN}/auth/reddit/callback"
    assert len(asked["state"]) >= 43


async def test_a_program_gets_tokens(person):
    program = person()
    tokens = await program.tokens()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 600
    assert (await program.client.get("/me")).json()["signed_in_by"] == "bearer"


async def test_declining_is_said_in_words_and_stores_nothing(person, rows):
    marta = person()
    answer = await marta.come_back(consent(marta.upstreams, await marta.begin(), decision="Decline"))
    assert (answer.status_code, answer.json()["code"]) == (400, "sign_in_refused")
    assert "declined" in answer.json()["detail"]
    assert rows("SELECT * FROM users") == []


async def test_a_suspended_account_is_refused(person, rows):
    marta = person()
    answer = await marta.come_back(consent(marta.upstreams, await marta.begin(), SUSPENDED))
    assert (answer.status_code, answer.json()["code"]) == (400, "sign_in_refused")
    assert rows("SELECT * FROM sessions") == []


async def test_reddit_being_down_is_a_503(person):
    marta = person()
    back = consent(marta.upstreams, await marta.begin())
    marta.upstreams.faults(source="reddit", kind="status", status=503)
    answer = await marta.come_back(back)
    assert (answer.status_code, answer.json()["code"]) == (503, "sign_in_unavailable")


# Attacks --------------------------------------------------------------------------------------------------------


async def refused(answer):
    assert (answer.status_code, answer.json()["code"]) == (400, "sign_in_refused"), answer.text
    assert "__Host-newsintel=" not in answer.headers.get("set-cookie", "")


async def test_a_forged_state(person):
    marta = person()
    code = query(consent(marta.upstreams, await marta.begin()))["code"]
    for forged in ("", "x", "A" * 43, "../../etc", "%00", "A" * 90):
        await refused(await marta.client.get("/auth/reddit/callback", params={"state": forged, "code": code}))


async def test_a_replayed_state(person):
    marta = person()
    back = consent(marta.upstreams, await marta.begin())
    jar = dict(marta.client.cookies)
    assert (await marta.come_back(back)).status_code == 303
    marta.client.cookies.clear()
    marta.client.cookies.update(jar)
    await refused(await marta.come_back(back))


async def test_an_expired_state(person, redis):
    marta = person()
    back = consent(marta.upstreams, await marta.begin())
    [name] = redis.keys("signin:*")
    assert state.SECONDS - 60 <= redis.ttl(name) <= state.SECONDS == 600
    redis.delete(name)  # what its time to live does
    await refused(await marta.come_back(back))


async def test_another_browsers_state(person):
    attacker, victim = person(), person()
    back = consent(attacker.upstreams, await attacker.begin())
    await refused(await victim.come_back(back))  # the victim has no cookie
    await victim.begin()
    back = consent(attacker.upstreams, await attacker.begin())
    await refused(await victim.come_back(back))  # the victim has a cookie of its own
    await refused(await attacker.come_back(back))  # the guess used it up


async def test_a_replayed_code(person, rows):
    marta = person()
    code = query(consent(marta.upstreams, await marta.begin()))["code"]
    for expected in (303, 400):
        name = query(await marta.begin())["state"]
        answer = await marta.client.get("/auth/reddit/callback", params={"state": name, "code": code})
        assert answer.status_code == expected
    assert rows("SELECT count(*) FROM sessions") == [(1,)]


async def test_an_open_redirect(person):
    for target in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/ok\r\nSet-Cookie: x=1",
        "evil.example",
        "/" + "x" * 501,
        "/é",
    ):
        answer = await person().client.get("/auth/reddit/login", params={"return_to": target})
        assert (answer.status_code, answer.json()["parameter"]) == (400, "return_to"), target


async def test_a_fixed_session(person):
    """What an attacker planted before the sign-in is worth nothing after it."""
    attacker = await person().sign_in(COFFEE)
    planted = dict(attacker.client.cookies)
    victim = person()
    victim.client.cookies.update(planted)
    await victim.sign_in(MARTA)
    assert (await victim.client.get("/me")).json()["user"]["username"] == MARTA
    assert (await attacker.client.get("/me")).json()["user"]["username"] == COFFEE
    for name, value in planted.items():
        assert victim.client.cookies.get(name, domain="127.0.0.1") != value


async def test_without_configuration_nobody_signs_in(settings, upstreams, working):
    import msgspec

    from api.app import create_app
    from tests.people import Person

    for missing in ({"session_keys": ""}, {"reddit_client_id": ""}):
        app = create_app(msgspec.structs.replace(settings, **missing))
        async with app.lifespan():
            answer = await Person(app, upstreams).client.get("/auth/reddit/login")
        assert (answer.status_code, answer.json()["code"]) == (503, "sign_in_unavailable")
