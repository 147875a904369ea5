"""One id follows a request through every process: api, worker, calls to the sources, and what these send on."""

import re
from datetime import timedelta

from shared.clock import utcnow
from shared.commands import ApplyRetention, PauseBackfill, StartBackfill
from tests.eventually import eventually

SOURCES = {"newsapi", "guardian", "reddit"}


def test_a_cold_search_can_be_followed_from_the_request_to_each_call(system):
    system.worker()
    api = system.api()
    answer = api.get("/articles", params={"q": "climate"}, headers={"X-Request-ID": "reader-7"})
    assert answer.headers["X-Request-ID"] == "reader-7"
    system.wait_idle()
    [request] = eventually(lambda: system.lines("api", event="request", request_id="reader-7"))
    assert (request["service"], request["path"], request["status"]) == ("api", "/articles", 200)
    [command] = eventually(lambda: system.lines("worker", event="command", request_id="reader-7"))
    assert (command["service"], command["command"], command["outcome"]) == ("worker", "FetchQuery", "ok")
    calls = system.lines("worker", event="source_call", request_id="reader-7")
    assert {call["source"] for call in calls} == SOURCES
    assert {call["command_id"] for call in calls} == {command["command_id"]}
    assert {call["service"] for call in calls} == {"worker"}
    # Nothing that belongs to the search goes without its id.
    assert {line["request_id"] for line in system.lines("worker", command="FetchQuery")} == {"reader-7"}


def test_a_source_that_fails_is_told_under_the_id_of_who_asked(system):
    system.worker()
    system.upstreams.faults(source="guardian", kind="html")
    api = system.api()
    api.get("/articles", params={"q": "climate"}, headers={"X-Request-ID": "reader-8"})
    system.wait_idle()
    calls = system.lines("worker", event="source_call", request_id="reader-8", source="guardian")
    assert {call["outcome"] for call in calls} == {"bad_answer"}
    [failed] = system.lines("worker", event="fetch_failed", request_id="reader-8")
    assert failed["source"] == "guardian"


def test_an_id_that_could_forge_a_line_is_replaced(system):
    api = system.api()
    for forged in ("two words", 'quoted"', "x" * 65):
        answer = api.get("/articles/1", headers={"X-Request-ID": forged})
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_a_cadence_fetch_is_followed_from_its_slot(system):
    system.worker()
    system.scheduler()
    slots = eventually(lambda: system.lines("scheduler", event="slot_sent"))
    assert all(re.fullmatch(r"(topic-\d+|tidy-people|retention)-\d+", slot["request_id"]) for slot in slots)
    topic = next(slot["request_id"] for slot in slots if slot["slot"].startswith("topic-"))
    [command] = eventually(lambda: system.lines("worker", event="command", request_id=topic))
    assert command["command"] == "FetchTopic"
    assert system.lines("worker", event="source_call", request_id=topic)


def test_what_a_command_sends_belongs_to_the_same_request(system):
    system.worker()
    sent = system.send(ApplyRetention())
    followed = eventually(lambda: system.lines("worker", event="command", command="RecheckReddit"))
    assert {line["request_id"] for line in followed} == {sent}
    assert followed[0]["command_id"] != sent


def test_a_backfill_is_followed_from_its_operator_to_each_call(system):
    system.worker()
    now = utcnow()
    window = {"since": now - timedelta(days=20), "until": now}
    started = system.send(
        StartBackfill(sources=["newsapi"], query="the", key="k", requested_by="someone", **window)
    )
    [line] = eventually(lambda: system.lines("worker", event="backfill_started", request_id=started))
    [(backfill_id,)] = system.query("SELECT id FROM backfills")
    assert (line["backfill_id"], line["command_id"]) == (backfill_id, started)
    system.scheduler(NEWSINTEL_BACKFILL_PAUSE_SECONDS="0.3")
    calls = eventually(lambda: pages(system, backfill_id))
    assert {call["source"] for call in calls} == {"newsapi"}
    slices = {slice_id for (slice_id,) in system.query("SELECT id FROM backfill_slices")}
    assert {(call["backfill_id"], call["slice_id"] in slices) for call in calls} == {(backfill_id, True)}
    commands = system.lines("worker", event="command", request_id=f"backfill-{backfill_id}")
    assert {(line["command"], line["backfill_id"]) for line in commands} == {("RunSlice", backfill_id)}
    assert {line["slice_id"] for line in commands} <= slices
    paused = system.send(PauseBackfill(backfill_id=backfill_id, requested_by="someone"))
    [line] = eventually(lambda: system.lines("worker", event="backfill_paused", request_id=paused))
    assert line["backfill_id"] == backfill_id
    [command] = eventually(lambda: system.lines("worker", event="command", request_id=paused))
    assert command["backfill_id"] == backfill_id


def pages(system, backfill_id):
    """The calls of the backfill, once there are two and their commands have ended."""
    found = system.lines("worker", event="source_call", request_id=f"backfill-{backfill_id}")
    ended = system.lines("worker", event="command", request_id=f"backfill-{backfill_id}")
    return found if len(found) > 1 and len(ended) > 1 else []
