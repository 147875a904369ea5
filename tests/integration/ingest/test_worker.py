"""The worker: carries out, answers, retries, gives up visibly, and stops after finishing."""

import os
import subprocess
import sys
import threading
import time

import dramatiq
import msgspec
import pytest
from dramatiq.errors import Retry

from ingest import gauges, worker
from shared import bus, keys
from shared.commands import QUEUES, FetchQuery, FetchTopic, Queue
from shared.events import Answer
from tests.eventually import eventually


@pytest.fixture
def serving(ports, monkeypatch):
    """serving(handler) -> runs a worker in this process with that handler for `kind`, until the test ends.

    Returns what ends it before.
    """
    stop = threading.Event()
    threads = []
    monkeypatch.setattr(worker, "MIN_BACKOFF_MS", 1)

    def serve(handler, kind=FetchTopic, using=ports):
        monkeypatch.setattr(worker, "HANDLERS", {kind: handler})
        thread = threading.Thread(target=worker.serve, args=(using, {QUEUES[kind]}, stop))
        thread.start()
        threads.append(thread)
        return end

    def end():
        stop.set()
        for thread in threads:
            thread.join()

    yield serve
    end()


def test_a_command_is_carried_out_with_its_id(serving, ports):
    done = []
    serving(lambda command, _ports, command_id: done.append((command, command_id)))
    command_id = bus.send(bus.broker(ports.redis), FetchTopic(topic_id=7))
    assert eventually(lambda: done) == [(FetchTopic(topic_id=7), command_id)]
    eventually(lambda: list(ports.metrics.seen().timings) == [("command_duration", ("FetchTopic",))])


def test_a_handler_that_fails_is_tried_again(serving, ports):
    tries = []

    def handler(_command, _ports, _id):
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("not yet")

    serving(handler)
    bus.send(bus.broker(ports.redis), FetchTopic(topic_id=7))
    eventually(lambda: len(tries) == 3)


def test_a_command_that_keeps_failing_ends_where_it_is_seen(serving, ports, redis):
    def handler(_command, _ports, _id):
        raise RuntimeError("never")

    serving(handler)
    command_id = bus.send(bus.broker(ports.redis), FetchTopic(topic_id=7))
    raw = eventually(lambda: redis.get(keys.answer(command_id)))
    assert msgspec.json.decode(raw, type=Answer).error == "command_failed"
    eventually(lambda: redis.zcard(f"{keys.QUEUE_NAMESPACE}:{Queue.BULK}.XQ") == 1)
    seen = ports.metrics.seen()
    assert seen.counts == {("command_dead_lettered", ("FetchTopic",)): 1}
    assert sum(seen.timings["command_duration", ("FetchTopic",)].buckets) == 1 + worker.MAX_RETRIES


@pytest.mark.parametrize(
    ("language", "error"), [("en", "command_failed"), (5, "invalid_command")], ids=["failing", "invalid"]
)
def test_a_query_whose_fetch_was_given_up_may_be_asked_again(serving, ports, redis, language, error):
    def handler(_command, _ports, _id):
        raise RuntimeError("never")

    redis.set(keys.flight("k"), "c1", ex=900)
    redis.hset(keys.asked("k"), "guardian", b"{}")
    redis.set(keys.flight("other"), "c2", ex=900)
    serving(handler, FetchQuery)
    command = FetchQuery(query="storm", query_key="k", language=language)
    bus.send(bus.broker(ports.redis), command, command_id="c1")
    raw = eventually(lambda: redis.get(keys.answer("c1")))
    assert msgspec.json.decode(raw, type=Answer).error == error
    assert redis.keys("flight:*") == [keys.flight("other").encode()]


def test_what_is_no_command_at_all_is_answered_too(serving, ports, redis):
    serving(None, FetchQuery)
    broker = bus.broker(ports.redis)
    broker.enqueue(dramatiq.Message(Queue.INTERACTIVE, "FetchQuery", (["climate"],), {}, {}, message_id="c1"))
    raw = eventually(lambda: redis.get(keys.answer("c1")))
    assert msgspec.json.decode(raw, type=Answer).error == "invalid_command"


def test_a_command_that_its_handler_wants_again_is_neither_limited_nor_a_failure(serving, ports, redis):
    tries = []

    def handler(_command, _ports, _id):
        tries.append(1)
        if len(tries) <= 2 * worker.MAX_RETRIES:
            raise Retry("the source is away", delay=1)
        if len(tries) <= 3 * worker.MAX_RETRIES:
            raise RuntimeError("the database is away")

    serving(handler)
    bus.send(bus.broker(ports.redis), FetchTopic(topic_id=7))
    eventually(lambda: len(tries) == 3 * worker.MAX_RETRIES + 1)
    assert redis.zcard(f"{keys.QUEUE_NAMESPACE}:{Queue.BULK}.XQ") == 0


def test_a_stopping_worker_finishes_what_it_began(serving, ports):
    began, done = threading.Event(), []

    def handler(_command, _ports, _id):
        began.set()
        time.sleep(0.3)
        done.append(1)

    end = serving(handler)
    bus.send(bus.broker(ports.redis), FetchTopic(topic_id=7))
    assert began.wait(60)
    end()
    assert done


@pytest.mark.parametrize(
    ("module", "changes", "sentence"),
    [
        ("ingest.worker", {"NEWSINTEL_DATABASE_URL": ""}, "NEWSINTEL_DATABASE_URL must be set"),
        ("ingest.scheduler", {"NEWSINTEL_REDIS_URL": ""}, "NEWSINTEL_REDIS_URL must be set"),
        (
            "ingest.worker",
            {"NEWSINTEL_DATABASE_URL": "postgresql://127.0.0.1:1/x"},
            "cannot connect to the database",
        ),
        ("ingest.worker", {"NEWSINTEL_BATCH_SIZE": "many"}, "NEWSINTEL_BATCH_SIZE: Expected `int`"),
        ("ingest.worker", {"NEWSINTEL_REDDIT_CLIENT_ID": ""}, "go together"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_exit_code_2(environment, module, changes, sentence):
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={**os.environ, **environment, **changes},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_queue_is_named(environment):
    done = subprocess.run(
        [sys.executable, "-m", "ingest.worker", "--queues", "express"],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "'express' is not known; use interactive, bulk or both" in done.stderr


def test_what_waits_for_a_thread_is_seen_to_wait_and_taken_when_one_is_free(serving, make_ports, redis):
    ports = make_ports(NEWSINTEL_BULK_POLL_MS="5000")
    threads, began, over = ports.settings.worker_threads, [], threading.Semaphore(0)

    def handler(command, _ports, _id):
        began.append(command.topic_id)
        over.acquire()

    for topic_id in range(1, threads + 4):
        bus.send(bus.broker(redis), FetchTopic(topic_id=topic_id))
    end = serving(handler, using=ports)
    try:
        eventually(lambda: len(began) == threads)
        time.sleep(2)  # so long that dramatiq's own consumer would sleep for another second or two
        gauges.measure(ports)
        seen = ports.metrics.seen().gauges
        assert seen["queue_depth", ("bulk",)].value == 3
        assert seen["queue_age", ("bulk",)].value >= 2
        over.release()
        eventually(lambda: len(began) == threads + 1, seconds=1)
        assert redis.llen(f"{keys.QUEUE_NAMESPACE}:{Queue.BULK}") == 2
    finally:
        over.release(threads + 2)
        eventually(lambda: len(began) == threads + 3)
        end()
