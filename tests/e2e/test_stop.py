"""SIGTERM in the middle of the work, to the real processes: what was begun is finished, the rest waits for the next."""

import signal
from concurrent.futures import ThreadPoolExecutor

from shared import keys
from shared.commands import FetchTopic
from tests.eventually import eventually

DELAY = {"kind": "delay", "min_ms": 5_000, "max_ms": 5_000}


def under_way(system, source):
    return system.query("SELECT 1 FROM fetches WHERE source = %s AND outcome = 'running'", source)


def end(*children):
    """SIGTERM to all at once; their exit codes."""
    for child in children:
        child.process.send_signal(signal.SIGTERM)
    return [child.process.wait(30) for child in children]


def test_a_reader_who_waits_for_a_slow_source_is_answered_and_the_source_asked_once(system):
    worker = system.worker()
    api = system.api()
    system.upstreams.faults(source="guardian", **DELAY)
    with ThreadPoolExecutor(1) as reader:
        answer = reader.submit(api.get, "/articles", params={"q": "climate"})
        eventually(lambda: under_way(system, "guardian"))
        assert end(worker, system.children[-1]) == [0, 0]
        found = answer.result()
    assert found.status_code == 200
    assert found.json()["articles"]
    assert {s["source"]: s["outcome"] for s in found.json()["freshness"]["sources"]}["guardian"] == "ok"
    [command] = system.lines("worker", event="command")
    assert (command["command"], command["outcome"]) == ("FetchQuery", "ok")
    assert [line["path"] for line in system.lines("api", event="request", path="/articles")] == ["/articles"]
    assert system.upstreams.count("guardian") == 1
    assert system.lines("worker", event="worker_stopped")


def test_commands_are_finished_or_left_to_the_next_worker_each_once(system):
    topics = [row[0] for row in system.query("SELECT id FROM topics WHERE source = 'reddit' ORDER BY id")]
    system.upstreams.faults(source="reddit", times=1, **DELAY)
    first = system.worker(NEWSINTEL_WORKER_THREADS="1")
    sent = {system.send(FetchTopic(topic_id=topics[0])) for _ in range(3)}
    eventually(lambda: under_way(system, "reddit"))
    assert end(first) == [0]
    [finished] = system.lines("worker", event="command")
    assert finished["outcome"] == "ok"
    assert not system.idle()
    system.worker()
    system.wait_idle()
    commands = system.lines("worker", event="command")
    assert sorted(line["command_id"] for line in commands) == sorted(sent)
    assert {line["outcome"] for line in commands} == {"ok"}


def test_a_scheduler_that_stops_hands_over_at_once(system):
    first = system.scheduler()
    eventually(lambda: system.redis.exists(keys.LEADER))
    assert end(first) == [0]
    assert not system.redis.exists(keys.LEADER)
