"""/ops/backfills: for operators, by the worker's hand, each error a problem that says what to do."""

from datetime import timedelta

import pytest

from ingest.handlers import roles
from shared import keys
from shared.clock import utcnow
from tests.people import COFFEE

pytestmark = pytest.mark.anyio
PATH = "/ops/backfills"


def body(**changes):
    now = utcnow()
    window = {"since": (now - timedelta(days=10)).isoformat(), "until": now.isoformat()}
    return {**window, "sources": ["guardian"], "query": "climate", **changes}


@pytest.fixture
async def operator(person, ports, rows):
    someone = await person().sign_in()
    roles.grant(ports, rows("SELECT id FROM users")[0][0], "operator", "cli:me")
    return someone


async def test_operators_plan_start_watch_and_steer(operator, rows):
    planned = await operator.write("POST", f"{PATH}/plan", json=body())
    assert planned.status_code == 200, planned.text
    assert planned.json()["sources"][0]["slices"] == 2
    assert rows("SELECT count(*) FROM backfills") == [(0,)]

    asked, key = body(), {"Idempotency-Key": "once"}
    made = await operator.write("POST", PATH, json=asked, headers=key)
    assert (made.status_code, made.headers["location"]) == (201, f"{PATH}/1")
    again = await operator.write("POST", PATH, json=asked, headers=key)
    assert (again.status_code, again.json()["backfill_id"]) == (200, 1)
    other = await operator.write("POST", PATH, json=body(query="other"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    for verb, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        changed = await operator.write("POST", f"{PATH}/1/{verb}")
        assert changed.json() == {"backfill_id": 1, "state": state, "created": False}
    refused = await operator.write("POST", f"{PATH}/1/resume")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")

    listed = (await operator.client.get(PATH)).json()["backfills"]
    assert [(each["id"], each["state"], each["query"]) for each in listed] == [(1, "cancelled", "climate")]
    assert (await operator.client.get(f"{PATH}?before=1")).json()["backfills"] == []
    status = (await operator.client.get(f"{PATH}/1")).json()
    assert [(each["source"], each["slices"]) for each in status["progress"]] == [("guardian", 2)]


async def test_rate_and_time_left_are_those_of_the_command_line(operator, rows, redis):
    await operator.write("POST", PATH, json=body())
    rows("UPDATE backfill_slices SET expected_calls = 32 RETURNING 1")

    async def progress():
        [found] = (await operator.client.get(f"{PATH}/1")).json()["progress"]
        return found

    found = await progress()
    # Nobody has told what the budget leaves.
    assert (found["calls_left"], found["pages_per_hour"], found["seconds_left"]) == (64, 0, None)
    redis.hset(keys.BACKFILL_CALLS, "guardian", 64)
    redis.zadd(keys.backfill_pages(1, "guardian"), {"a": utcnow().timestamp(), "b": 0})
    found = await progress()
    assert (found["pages_per_hour"], found["seconds_left"]) == (60, 86_400)
    until = (utcnow() + timedelta(hours=2)).replace(microsecond=0)
    waits, fails = (
        "retry_at = %s, reason = 'the calls are made'",
        "state = 'failed', reason = 'it answered 503'",
    )
    rows(f"UPDATE backfill_slices SET {waits} WHERE id = 1 RETURNING 1", until)
    rows(f"UPDATE backfill_slices SET {fails} WHERE id = 2 RETURNING 1")
    found = await progress()
    assert (found["reason"], found["failed_reason"]) == ("the calls are made", "it answered 503")
    assert 43_200 + 7_000 < found["seconds_left"] <= 43_200 + 7_200
    await operator.write("POST", f"{PATH}/1/pause")
    found = await progress()
    assert (found["pages_per_hour"], found["seconds_left"]) == (None, None)


async def test_an_operators_key_does_the_same(operator, person, ports, rows):
    async def program(*scopes):
        made = await operator.write("POST", "/me/keys", json={"name": "a key", "scopes": list(scopes)})
        someone = person()
        someone.client.headers["X-API-Key"] = made.json()["key"]
        return someone.client

    client = await program("operate")
    assert (await client.post(f"{PATH}/plan", json=body())).json()["slices"] == 2
    asked, key = body(), {"Idempotency-Key": "once"}
    started = [await client.post(PATH, json=asked, headers=key) for _ in range(2)]
    assert [(each.status_code, each.json()["backfill_id"]) for each in started] == [(201, 1), (200, 1)]
    for verb in ("pause", "resume", "cancel"):
        assert (await client.post(f"{PATH}/1/{verb}")).status_code == 200
    assert (await client.get(f"{PATH}/1")).json()["backfill"]["state"] == "cancelled"
    assert (await client.get(PATH)).json()["backfills"][0]["requested_by"] == "user:1"

    reader = await program("read", "me:read", "me:write")
    refused = await reader.post(PATH, json=body())
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    roles.revoke(ports, 1, "operator", "cli:me")
    refused = await client.post(f"{PATH}/plan", json=body())
    assert refused.status_code in {401, 403}
    assert rows("SELECT count(*) FROM backfills") == [(1,)]


async def test_nobody_else_gets_in(person, operator):
    reader = await person().sign_in(COFFEE)
    for someone, status, code in ((person(), 401, "not_signed_in"), (reader, 403, "operators_only")):
        for answer in (
            await someone.client.get(PATH),
            await someone.client.get(f"{PATH}/1"),
            await someone.write("POST", PATH, json=body()),
            await someone.write("POST", f"{PATH}/plan", json=body()),
            await someone.write("POST", f"{PATH}/1/cancel"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"since": "2030-01-01T00:00:00Z", "until": "2029-01-01T00:00:00Z"}, "body"),
        ({"gaps": True}, "body"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-01T00:00:00"}, "since"),
        ({"sources": ["twitter"]}, "sources[0]"),
        ({"query": ""}, "query"),
        ({"query": "   "}, "body"),
        ({"speed": 1}, "speed"),
    ],
)
async def test_a_wrong_body_is_named(operator, changes, parameter):
    answer = await operator.write("POST", PATH, json=body(**changes))
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter), answer.text


async def test_what_is_not_there(operator):
    assert (await operator.client.get(f"{PATH}/7")).status_code == 404
    assert (await operator.write("POST", f"{PATH}/7/pause")).status_code == 404
    assert (await operator.client.get(f"{PATH}/x")).json()["parameter"] == "backfill_id"
    ahead = await operator.write("POST", PATH, json=body(until="2100-01-02T00:00:00Z"))
    assert (ahead.status_code, ahead.json()["parameter"]) == (400, "until")
    long_ago = body(sources=["newsapi"], since="2020-01-01T00:00:00Z", until="2020-02-01T00:00:00Z")
    nothing = await operator.write("POST", PATH, json=long_ago)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "conflict")
    assert (
        "nothing before"
        in (await operator.write("POST", f"{PATH}/plan", json=long_ago)).json()["left_out"][0]
    )
