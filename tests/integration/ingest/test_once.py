"""Every write is carried out once, however often it is asked for, delivered or interrupted."""

import asyncio
import signal
import subprocess
import sys
import threading
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from ingest import worker
from ingest.handlers.once import request_digest
from shared import bus, keys, redis
from shared.bus import Bus, CommandFailedError
from shared.commands import EditSaved, Queue, SaveArticle, SetPreference
from shared.events import Answer, Saved
from tests.eventually import eventually

KILLS = 50


@pytest.fixture
def working(make_ports):
    """Two workers of four threads each in this process, on the real queue."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=worker.serve, args=(make_ports(), {Queue.INTERACTIVE}, stop))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


@pytest.fixture
def ask_all(redis_url):
    """ask_all(commands) -> their answers; sent at the same moment through one bus."""

    def ask(commands):
        async def together():
            client = redis.connect_async(redis_url)
            asking = Bus(client, bus.broker(redis.connect(redis_url)))
            await asking.start()
            try:
                asked = (asking.ask(command, Saved, seconds=60) for command in commands)
                return await asyncio.gather(*asked, return_exceptions=True)
            finally:
                await asking.stop()
                await client.aclose()

        return asyncio.run(together())

    return ask


def test_a_hundred_at_once_make_one_row_and_a_hundred_equal_answers(working, ask_all, user, archive, rows):
    command = SaveArticle(user_id=user(), idempotency_key="k", article_id=archive.article(), notes="once")
    answers = ask_all([command] * 100)
    assert len(answers) == 100
    assert set(answers) == {answers[0]}
    assert answers[0].created
    assert rows("SELECT count(*) FROM saved_articles") == [(1,)]


def test_a_hundred_edits_under_one_key_are_one_edit(working, ask_all, user, archive, rows, do):
    one = user()
    saved_id = do(SaveArticle(user_id=one, idempotency_key="s", article_id=archive.article()))["saved_id"]
    answers = ask_all(
        [EditSaved(user_id=one, idempotency_key="e", saved_id=saved_id, notes="x", if_match=1)] * 100
    )
    assert set(answers) == {Saved(saved_id=saved_id, version=2)}
    assert rows("SELECT version FROM saved_articles") == [(2,)]


def test_of_a_hundred_edits_of_one_version_one_wins(working, ask_all, user, archive, rows, do):
    one = user()
    saved_id = do(SaveArticle(user_id=one, idempotency_key="s", article_id=archive.article()))["saved_id"]
    answers = ask_all(
        EditSaved(user_id=one, idempotency_key=f"e{n}", saved_id=saved_id, notes=f"{n}", if_match=1)
        for n in range(100)
    )
    assert sum(isinstance(answer, Saved) for answer in answers) == 1
    assert {str(a) for a in answers if isinstance(a, CommandFailedError)} == {"version_mismatch"}
    assert rows("SELECT version FROM saved_articles") == [(2,)]


def test_a_key_belongs_to_one_request_of_one_user(do, user, archive, rows):
    one, other = user("one"), user("other")
    article = archive.article()
    first = do(SaveArticle(user_id=one, idempotency_key="k", article_id=article))
    assert do(SaveArticle(user_id=one, idempotency_key="k", article_id=article + 1)) == "idempotency_mismatch"
    assert (
        do(SetPreference(user_id=one, idempotency_key="k", key="language", value="en"))
        == "idempotency_mismatch"
    )
    assert do(SaveArticle(user_id=other, idempotency_key="k", article_id=article))["created"]
    assert do(SaveArticle(user_id=one, idempotency_key="k", article_id=article, request_id="r2")) == first


def test_a_refusal_is_remembered_too(do, user, archive):
    one, article = user(), archive.article()
    command = SaveArticle(user_id=one, idempotency_key="k", article_id=article + 1)
    assert do(command) == "not_found"
    archive.article()  # now it is there, but this request was told that it is not
    assert do(command) == "not_found"


def test_nobody_writes_for_an_account_that_is_gone(do, rows):
    assert do(SaveArticle(user_id=10**9, idempotency_key="k", article_id=1)) == "account_gone"
    assert rows("SELECT count(*) FROM idempotency") == [(0,)]


def test_a_failure_leaves_nothing_behind_and_the_next_try_succeeds(do, user, archive, rows, monkeypatch):
    from ingest.handlers import once

    command = SaveArticle(user_id=user(), idempotency_key="k", article_id=archive.article())
    with monkeypatch.context() as patched:
        patched.setattr(once.idempotency, "settle", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            do(command)
    assert rows("SELECT (SELECT count(*) FROM saved_articles), (SELECT count(*) FROM idempotency)") == [
        (0, 0)
    ]
    assert do(command)["created"]


def test_a_command_out_of_bounds_is_answered_and_not_tried_again(working, ports, user, redis):
    too_long = SaveArticle(user_id=user(), idempotency_key="k", article_id=1, notes="x" * 10_001)
    command_id = bus.send(bus.broker(ports.redis), too_long)
    assert answer_of(redis, command_id).error == "invalid_command"
    assert redis.zcard(f"{keys.QUEUE_NAMESPACE}:{Queue.INTERACTIVE}.XQ") == 0


def test_requests_differ_by_what_they_ask():
    asks = {"user_id": 1, "idempotency_key": "a", "article_id": 1}
    one = request_digest(SaveArticle(**asks))
    assert request_digest(SaveArticle(**asks | {"idempotency_key": "b", "request_id": "r"})) == one
    assert request_digest(SaveArticle(**asks | {"notes": "n"})) != one
    assert request_digest(SaveArticle(user_id=1, idempotency_key="a", story_id=1)) != one


def answer_of(client, command_id, seconds=30):
    raw = eventually(lambda: client.get(keys.answer(command_id)), seconds=seconds)
    return msgspec.json.decode(raw, type=Answer)


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("moment", ["before_commit", "before_answer"])
def test_a_worker_killed_fifty_times_never_doubles_and_never_loses(
    environment, ports, user, archive, rows, redis, moment
):
    one = user()
    commands = {
        str(uuid4()): SaveArticle(user_id=one, idempotency_key=f"k{n}", article_id=archive.article())
        for n in range(KILLS)
    }
    first = do_first(ports, one, archive)
    edits = {
        str(uuid4()): EditSaved(user_id=one, idempotency_key=f"e{n}", saved_id=first, notes=str(n))
        for n in range(KILLS)
    }
    through = bus.broker(ports.redis)
    for save, edit in zip(commands.items(), edits.items(), strict=True):
        bus.send(through, save[1], command_id=save[0])
        bus.send(through, edit[1], command_id=edit[0])
    deaths = 0
    script = str(Path(__file__).with_name("dying_worker.py"))
    settings = {
        **environment,
        "NEWSINTEL_WORKER_DEAD_AFTER_MS": "500",
        "NEWSINTEL_WORKER_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    while deaths < KILLS:
        pair = [
            subprocess.Popen([sys.executable, script, moment], env=settings, stdout=subprocess.DEVNULL)
            for _ in range(2)
        ]
        ends = [process.wait(timeout=60) for process in pair]
        assert ends == [-signal.SIGKILL, -signal.SIGKILL]
        deaths += 2
    stop = threading.Event()
    healthy = msgspec.structs.replace(
        ports, settings=msgspec.structs.replace(ports.settings, worker_dead_after_ms=500)
    )
    serving = threading.Thread(target=worker.serve, args=(healthy, {Queue.INTERACTIVE}, stop))
    serving.start()
    try:
        answers = {command_id: answer_of(redis, command_id, 120) for command_id in [*commands, *edits]}
    finally:
        stop.set()
        serving.join()
    assert all(a.error is None for a in answers.values())
    told = [msgspec.json.decode(answers[each].value, type=Saved) for each in commands]
    assert all(t.created and t.version == 1 for t in told)
    assert rows("SELECT count(*), count(DISTINCT article_id) FROM saved_articles") == [(KILLS + 1, KILLS + 1)]
    versions = sorted(msgspec.json.decode(answers[each].value, type=Saved).version for each in edits)
    assert versions == list(range(2, KILLS + 2))  # each edit counted once, none lost


def do_first(ports, user_id, archive):
    from ingest.handlers.saved import save_article

    save_article(
        SaveArticle(user_id=user_id, idempotency_key="first", article_id=archive.article()), ports, "f"
    )
    raw = ports.redis.get(keys.answer("f"))
    return msgspec.json.decode(msgspec.json.decode(raw, type=Answer).value, type=Saved).saved_id
