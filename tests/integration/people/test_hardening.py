"""What every answer carries, what no request may exceed, and what the api's database role may not touch."""

import msgspec
import psycopg
import pytest

from api.app import create_app
from tests.people import Person

pytestmark = pytest.mark.anyio


async def test_security_headers_are_on_every_answer(person):
    client = person().client
    for path in ("/articles", "/nothing", "/me", "/docs", "/health", "/docs/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "max-age=" in headers["strict-transport-security"]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy or "script-src 'self';" in policy
        assert "access-control-allow-origin" not in headers


async def test_bodies_and_headers_have_a_limit(person, settings):
    client = person().client
    big = b" " * (settings.max_body_bytes + 1)

    async def in_pieces():
        for _ in range(3):
            yield big[: len(big) // 2]

    for content in (big, in_pieces()):
        answer = await client.post(
            "/auth/refresh", content=content, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    answer = await client.get("/articles", headers={"X-Big": "x" * settings.max_header_bytes})
    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")
    for length in ("nonsense", "0" * 5_000, "9" * 5_000, "\u00b2"):
        answer = await client.post("/auth/refresh", headers={"Content-Length": length.encode("latin-1")})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_query_string_has_a_limit_that_the_longest_honest_one_is_within(person, archive):
    client = person().client
    outlets = ",".join("\u4e2d\u56fd\u65e5\u62a5\u7f51" + str(n) for n in range(20))
    for parameters in (
        {"outlet": outlets, "exclude_outlet": outlets, "author": outlets},
        {"q": "a" * 10_000},
    ):
        answer = await client.get("/articles", params={"sort": "newest", **parameters})
        assert answer.status_code == (400 if "q" in parameters else 200)
    for long in ("a" * 20_000, "\u65b0" * 5_000, "\u65b0" * 2_000 + "&page=1"):
        problem = (await client.get("/articles", params={"q": long})).json()
        assert (problem["status"], problem["code"], problem["parameter"]) == (400, "query_too_long", "q")
        assert f"has {len(long)} characters" in problem["detail"]
    assert (await client.get("/articles?q=%FF" + "a" * 20_000)).json()["code"] == "query_too_long"
    for padding in ("+" * 33_000, "a" * 33_000, "&q=storm&outlet=" + "a" * 33_000):
        answer = await client.get(f"/articles?page=2&sort=newest{padding}")
        assert (answer.status_code, answer.json()["code"]) == (414, "address_too_long")


async def test_cors_is_for_configured_origins_and_never_with_cookies(settings, upstreams, working):
    app = create_app(msgspec.structs.replace(settings, cors_origins="https://app.example, https://b.example"))
    async with app.lifespan():
        client = Person(app, upstreams).client
        good = await client.get("/articles", headers={"Origin": "https://app.example"})
        assert good.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in good.headers
        assert "RateLimit" in good.headers["access-control-expose-headers"]
        for origin in ("https://evil.example", "https://app.example.evil.example", "null"):
            answer = await client.get("/articles", headers={"Origin": origin})
            assert "access-control-allow-origin" not in answer.headers
            assert "Origin" in answer.headers["vary"]
        preflight = await client.options(
            "/me/saved", headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
        )
        assert preflight.status_code == 204
        assert "X-API-Key" in preflight.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT reddit_tokens FROM users",
        "SELECT * FROM users",
        "SELECT * FROM refresh_tokens",
        "SELECT * FROM idempotency",
        "SELECT * FROM revocations",
        "INSERT INTO users (reddit_id, username) VALUES ('x', 'x')",
        "UPDATE users SET roles = '{operator}'",
        "DELETE FROM sessions",
        "UPDATE api_keys SET revoked_at = NULL",
        "INSERT INTO saved_articles (user_id) VALUES (1)",
        "CREATE TABLE mine (x int)",
        "CREATE TEMP TABLE mine (x int)",
        "SET ROLE newsintel_worker",
        "COPY users TO PROGRAM 'true'",
    ],
)
def test_the_apis_role_can_neither_read_tokens_nor_write(database, statement):
    with psycopg.connect(database.api, autocommit=True) as api:
        api.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute(statement)


async def test_problems_carry_no_secret(person):
    client = person().client
    secret = "nik_0badc0de_" + "5" * 64
    for headers in (
        {"X-API-Key": secret},
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": f"Basic {secret}"},
        {"Cookie": f"__Host-newsintel={secret}"},
    ):
        answer = await client.get("/me", headers=headers)
        assert answer.status_code == 401
        assert secret not in answer.text
        assert secret not in str(answer.headers)
