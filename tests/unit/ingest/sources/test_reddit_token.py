import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.ports import Priority
from ingest.sources import reddit_token
from ingest.sources.reddit_token import Tokens
from shared.errors import BadAnswerError, KeyRefusedError, RateLimitedError, UnreachableError


def given(token="t1", seconds=86_400):
    return {"access_token": token, "token_type": "bearer", "expires_in": seconds, "scope": "*"}


@pytest.fixture
def make(settings, scripted, clock, redis):
    def tokens(*answers, caller=None):
        caller = caller or scripted(*answers)
        return Tokens(settings, redis, caller, clock), caller

    return tokens


def bearer(tokens, **options):
    return tokens.bearer(Priority.CADENCE, **options)


def test_a_token_is_asked_for_once_and_shared(make, answers):
    tokens, caller = make(answers(given()))
    assert bearer(tokens) == bearer(tokens) == bearer(make()[0]) == "t1"
    (request,) = caller.requests
    assert request.url == "https://www.reddit.com/api/v1/access_token"
    assert request.form == {"grant_type": "client_credentials"}
    assert request.basic_auth == ("client", "secret")


def test_it_is_forgotten_a_minute_before_its_end(make, answers, redis):
    bearer(make(answers(given(seconds=3600)))[0])
    (name,) = redis.keys("source:reddit:token:*")
    assert 3500 < redis.ttl(name) <= 3540


def test_a_token_that_ends_at_once_is_used_once(make, answers):
    tokens, caller = make(answers(given("t1", 30)), answers(given("t2", 30)))
    assert (bearer(tokens), bearer(tokens)) == ("t1", "t2")
    assert len(caller.requests) == 2


def test_a_refused_token_is_replaced_but_not_one_that_others_have_replaced_already(make, answers):
    tokens, caller = make(answers(given("t1")), answers(given("t2")))
    assert bearer(tokens) == "t1"
    assert bearer(tokens, instead_of="t1") == "t2"
    assert bearer(tokens, instead_of="t1") == "t2"
    assert len(caller.requests) == 2


def test_many_workers_fetch_one(make, answers, scripted):
    class Slow(scripted):
        def call(self, *asked):
            time.sleep(0.2)
            return super().call(*asked)

    caller = Slow(*[answers(given(f"t{n}")) for n in range(8)])
    tokens, _ = make(caller=caller)
    together = threading.Barrier(8)

    def worker(_):
        together.wait()
        return bearer(tokens)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(worker, range(8))) == {"t0"}
    assert len(caller.requests) == 1


def test_nobody_waits_for_ever(make, redis, monkeypatch):
    monkeypatch.setattr(reddit_token, "_LOCK_WAIT_SECONDS", 0.1)
    redis.set("source:reddit:token-lock", "someone else")
    with pytest.raises(UnreachableError, match="another worker"):
        bearer(make()[0])


def test_a_holder_that_was_killed_delays_the_others_no_longer_than_its_lock_lives(make, answers, redis):
    assert reddit_token._LOCK_WAIT_SECONDS > reddit_token._LOCK_SECONDS
    redis.set("source:reddit:token-lock", "killed", px=200)
    assert bearer(make(answers(given()))[0]) == "t1"


def test_a_holder_that_was_overtaken_keeps_its_token(make, answers, scripted, redis):
    class Slow(scripted):
        def call(self, *asked):
            redis.set("source:reddit:token-lock", "somebody else")  # the lock lapsed meanwhile
            return super().call(*asked)

    tokens, _ = make(caller=Slow(answers(given())))
    assert bearer(tokens) == "t1"


@pytest.mark.parametrize(
    ("body", "status", "expected", "says"),
    [
        ({"error": "invalid_grant"}, 200, KeyRefusedError, "invalid_grant"),
        (
            {"error": "unauthorized_client", "error_description": "Only confidential clients"},
            200,
            KeyRefusedError,
            "unauthorized_client Only confidential clients",
        ),
        ({"error": "unsupported_grant_type"}, 200, KeyRefusedError, "unsupported_grant_type"),
        ({"error": 400, "message": "Bad Request"}, 400, KeyRefusedError, "400"),
        ({"message": "Unauthorized", "error": 401}, 401, KeyRefusedError, "client id and secret"),
        (b"<html>blocked by network security", 403, KeyRefusedError, "network security"),
        ({"message": "Too Many Requests", "error": 429}, 429, RateLimitedError, "429"),
        (b"", 500, UnreachableError, "500"),
        (b'{"access_tok', 200, BadAnswerError, "not as agreed"),
        ({"token_type": "bearer"}, 200, BadAnswerError, "without a token"),
        ({"access_token": 5}, 200, BadAnswerError, "not as agreed"),
        ({}, 404, BadAnswerError, "404 without a token"),
    ],
)
def test_each_failure_has_a_type(make, answers, body, status, expected, says):
    with pytest.raises(expected, match=says) as caught:
        bearer(make(answers(body, status=status))[0])
    assert "secret" not in str(caught.value).replace("id and secret", "")


def test_a_failure_leaves_no_lock_behind(make, answers, redis):
    with pytest.raises(UnreachableError):
        bearer(make(answers(b"", status=500))[0])
    assert redis.keys("source:reddit:token*") == []
