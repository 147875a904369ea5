import time
from datetime import UTC, datetime, timedelta

import pytest
import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry

from ingest.ports import Priority
from ingest.sources.budget import PATIENCE_SECONDS, Ledger, Observed, Window, shares
from ingest.sources.call import Caller
from ingest.sources.circuit import Circuit
from ingest.sources.http import Answer, Request
from shared.clock import utcnow
from shared.errors import (
    BadAnswerError,
    BudgetSpentError,
    CircuitOpenError,
    QueryRejectedError,
    RateLimitedError,
    UnreachableError,
)

ASK = Request(url="http://source")
DOWN = UnreachableError("newsapi", "it answered 503")
GARBLED = BadAnswerError("newsapi", "HTML")
OK = Answer(status=200, headers={}, body=b"fine")


class ScriptedTransport:
    def __init__(self, *script):
        self.script = list(script)
        self.sent = 0

    def send(self, _request):
        self.sent += 1
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture
def make(redis, metrics):
    def caller(*script, limit=100, failures=5, pace=None, client=redis, observer=lambda _headers, _now: ()):
        slept = []
        made = Caller(
            "newsapi",
            transport=ScriptedTransport(*script),
            ledger=Ledger(
                "newsapi",
                client,
                (Window(name="day", seconds=86_400, limit=limit),),
                shares(0.8, 0.5),
                calls_per_second=pace,
            ),
            circuit=Circuit("newsapi", client, failures=failures, seconds=60),
            metrics=metrics,
            max_attempts=3,
            observer=observer,
            clock=utcnow,
            sleep=slept.append,
        )
        made.slept = slept
        made.ask = lambda priority=Priority.CADENCE: made.call(ASK, lambda got: got.body, priority)
        return made

    return caller


def test_the_answer_is_read_and_counted(make, metrics):
    assert make(OK).ask() == b"fine"
    assert metrics.counted == [("source_calls", "newsapi", "ok")]


def test_a_failure_that_may_pass_is_tried_again_after_a_growing_random_pause(make, metrics):
    caller = make(DOWN, GARBLED, OK)
    assert caller.ask() == b"fine"
    assert len(caller.slept) == 2
    assert 0 <= caller.slept[0] <= 0.5
    assert 0 <= caller.slept[1] <= 1
    assert [outcome for _, _, outcome in metrics.counted] == ["unreachable", "bad_answer", "ok"]


def test_every_attempt_is_charged(make):
    caller = make(DOWN, DOWN, OK)
    caller.ask()
    assert caller._ledger.remaining()[0].left == 97


def test_attempts_end_with_the_last_error(make):
    caller = make(DOWN, DOWN, GARBLED, OK)
    with pytest.raises(BadAnswerError):
        caller.ask()
    assert caller._transport.sent == 3


def test_a_reader_waits_for_one_more_try_only(make):
    caller = make(DOWN, DOWN, OK)
    with pytest.raises(UnreachableError):
        caller.ask(Priority.INTERACTIVE)
    assert caller._transport.sent == 2


def test_a_reader_does_not_wait_for_a_pause_that_bulk_work_would(make):
    caller = make(limited(3), OK)
    with pytest.raises(RateLimitedError):
        caller.ask(Priority.INTERACTIVE)
    assert (caller._transport.sent, caller.slept) == (1, [])


def test_attempts_end_when_the_budget_does(make):
    caller = make(DOWN, OK, limit=1)
    with pytest.raises(BudgetSpentError):
        caller.ask(Priority.INTERACTIVE)
    assert caller._transport.sent == 1


def test_what_would_not_change_is_not_tried_again(make):
    caller = make(QueryRejectedError("newsapi", "no"), OK)
    with pytest.raises(QueryRejectedError):
        caller.ask()
    assert (caller._transport.sent, caller.slept) == (1, [])


def limited(seconds):
    return RateLimitedError(
        "newsapi", "429", retry_at=seconds and datetime.now(UTC) + timedelta(seconds=seconds)
    )


def test_a_short_retry_after_is_obeyed(make):
    began = time.monotonic()
    caller = make(limited(3), OK)
    assert caller.ask() == b"fine"
    assert 3 - (time.monotonic() - began) <= caller.slept[0] <= 4


def test_a_long_retry_after_is_not_slept_through_and_nobody_else_calls_meanwhile(make):
    caller = make(limited(120), OK)
    with pytest.raises(RateLimitedError) as caught:
        caller.ask()
    assert caller.slept == []
    with pytest.raises(BudgetSpentError) as spent:
        caller.ask(Priority.INTERACTIVE)
    assert abs(spent.value.retry_at - caught.value.retry_at) < timedelta(seconds=0.01)


def test_a_429_without_a_time_is_tried_again_then_left_for_a_minute(make):
    caller = make(limited(None), limited(None), limited(None), OK)
    with pytest.raises(RateLimitedError) as caught:
        caller.ask()
    assert caller._transport.sent == 3
    assert timedelta(seconds=30) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=60)
    with pytest.raises(BudgetSpentError):
        caller.ask()


def test_an_unreachable_source_that_names_a_late_time_is_not_waited_for(make):
    caller = make(UnreachableError("newsapi", "503", retry_at=datetime.now(UTC) + timedelta(hours=1)), OK)
    with pytest.raises(UnreachableError):
        caller.ask()
    assert (caller._transport.sent, caller.slept) == (1, [])


def test_failures_in_a_row_open_the_circuit_and_then_no_call_is_made(make, metrics):
    caller = make(*[DOWN] * 9, failures=4)
    with pytest.raises(UnreachableError):
        caller.ask()
    with pytest.raises(CircuitOpenError):
        caller.ask()
    assert caller._transport.sent == 4
    assert metrics.counted[-1] == ("source_calls_withheld", "newsapi", "circuit_open")
    assert caller._ledger.remaining()[0].left == 96  # a withheld call costs nothing


def test_a_source_that_answers_no_is_there(make):
    caller = make(DOWN, QueryRejectedError("newsapi", "no"), DOWN, OK, failures=2)
    with pytest.raises(QueryRejectedError):
        caller.ask()
    assert caller.ask() == b"fine"


def test_a_probe_that_the_budget_forbids_is_left_to_the_next(make, metrics, redis):
    caller = make(OK, limit=2)
    redis.hset("source:newsapi:circuit", mapping={"failures": 9, "open_until": 1, "why": "x"})
    caller._ledger.charge(Priority.INTERACTIVE)
    with pytest.raises(BudgetSpentError):
        caller.ask(Priority.BACKFILL)
    assert metrics.counted == [("source_calls_withheld", "newsapi", "budget_spent")]
    assert caller.ask(Priority.INTERACTIVE) == b"fine"
    assert not redis.exists("source:newsapi:circuit")


def test_a_caller_waits_for_its_turn(make, monkeypatch):
    monkeypatch.setitem(PATIENCE_SECONDS, Priority.CADENCE, 110)
    caller = make(OK, OK, pace=0.01)
    caller.ask()
    caller.ask()
    [slept] = caller.slept
    assert 75 < slept <= 105


def test_what_the_headers_say_reaches_the_ledger_even_from_a_refusal(make):
    headers = Answer(status=429, headers={}, body=b"")
    caller = make(headers, observer=lambda _headers, _now: [Observed(window="day", left=1)])

    def refuse(_answer):
        raise QueryRejectedError("newsapi", "no")

    with pytest.raises(QueryRejectedError):
        caller.call(ASK, refuse, Priority.CADENCE)
    assert caller._ledger.remaining()[0].left == 1


def test_without_redis_no_call_is_made(make):
    with redis_client.Redis(host="127.0.0.1", port=9, retry=Retry(NoBackoff(), 0)) as gone:
        caller = make(OK, client=gone)
        with pytest.raises(redis_client.ConnectionError):
            caller.ask()
    assert caller._transport.sent == 0
