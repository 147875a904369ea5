"""Whatever a source does: a typed error or a quarantined item, in bounded time, and the other sources unaffected."""

import time

import pytest
import structlog

from ingest.article import Quarantined, RawItem
from shared.errors import (
    BadAnswerError,
    BudgetSpentError,
    CircuitOpenError,
    KeyRefusedError,
    NotConfiguredError,
    RateLimitedError,
    UnreachableError,
)

SOURCES = ["newsapi", "guardian", "reddit"]


def items(source, pull):
    return [item for page in source.pages(pull) for item in page.items]


def others_work(made, pulls, name):
    return all(items(made.sources[other], pulls[other]) for other in SOURCES if other != name)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        ("status", {"status": 503}, UnreachableError),
        ("status", {"status": 500}, UnreachableError),
        ("status", {"status": 408}, UnreachableError),
        ("drop", {}, UnreachableError),
        ("delay", {"min_ms": 600, "max_ms": 600}, UnreachableError),
        ("truncate", {}, BadAnswerError),
        ("html", {}, BadAnswerError),
        ("huge", {}, BadAnswerError),
        ("wrong_types", {"where": "container"}, BadAnswerError),
    ],
)
def test_a_failing_source(make, upstreams, pulls, name, kind, details, error):
    patient = make()
    items(patient.reddit, pulls["reddit"])  # has its token
    made = make(READ_TIMEOUT_SECONDS="0.3" if kind == "delay" else "10", CIRCUIT_FAILURES="9")
    upstreams.faults(name, kind, **details)
    made.metrics.calls.clear()
    began = time.monotonic()
    with pytest.raises(error):
        items(made.sources[name], pulls[name])
    assert made.metrics.calls == [("source_calls", name, error.code)] * 3  # tried again, not for ever
    assert time.monotonic() - began < 60
    assert others_work(patient, pulls, name)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("kind", ["truncate", "html", "drop", "status"])
def test_one_bad_moment_is_not_noticed(make, upstreams, pulls, name, kind):
    made = make()
    upstreams.faults(name, kind, times=1)
    assert items(made.sources[name], pulls[name])


@pytest.mark.parametrize("name", SOURCES)
def test_some_bad_items_spoil_nothing_else(make, upstreams, pulls, name):
    made = make()
    whole = items(made.sources[name], pulls[name])
    upstreams.faults(name, "wrong_types", items=2, times=1)
    upstreams.change(newsapi_cache_seconds=0)
    spoilt = items(made.sources[name], pulls[name])
    quarantined = [item for item in spoilt if isinstance(item, Quarantined)]
    assert 1 <= len(quarantined) <= 2
    assert all(item.reason == "undecodable" and item.original for item in quarantined)
    assert len(spoilt) == len(whole)


@pytest.mark.parametrize("name", SOURCES)
def test_nulls_are_left_for_the_pipeline_to_judge(make, upstreams, pulls, name):
    upstreams.faults(name, "nulls", items=None)
    found = items(make().sources[name], pulls[name])
    assert any(isinstance(item, RawItem) and item.url is None for item in found)


@pytest.mark.parametrize("name", SOURCES)
def test_a_429_is_obeyed_by_everybody(make, upstreams, pulls, name):
    upstreams.faults(name, "status", status=429, retry_after=600, times=1)
    made = make()
    with pytest.raises(RateLimitedError) as caught:
        items(made.sources[name], pulls[name])
    calls = upstreams.count(name)
    with pytest.raises(BudgetSpentError) as spent:
        items(make().sources[name], pulls[name])  # another worker
    assert abs((spent.value.retry_at - caught.value.retry_at).total_seconds()) < 1
    assert upstreams.count(name) == calls
    assert made.slept == []
    assert others_work(made, pulls, name)


@pytest.mark.parametrize("name", SOURCES)
def test_a_short_retry_after_is_waited_for(make, upstreams, pulls, name):
    upstreams.faults(name, "status", status=429, retry_after=2, times=1)
    made = make()
    began = time.monotonic()
    assert items(made.sources[name], pulls[name])
    assert len(made.slept) == 1
    assert 2 - (time.monotonic() - began) <= made.slept[0] <= 3


@pytest.mark.parametrize("name", SOURCES)
def test_what_keeps_failing_is_left_alone_then_probed(make, upstreams, pulls, redis, name):
    made = make(CIRCUIT_FAILURES="3")
    items(made.reddit, pulls["reddit"])
    upstreams.faults(name, "status")
    with pytest.raises(UnreachableError):
        items(made.sources[name], pulls[name])
    calls = upstreams.count(name)
    with pytest.raises(CircuitOpenError) as caught:
        items(make().sources[name], pulls[name])  # another worker
    assert caught.value.retry_at is not None
    assert upstreams.count(name) == calls
    upstreams.clear_faults()
    redis.hset(f"source:{name}:circuit", "open_until", 1)  # a minute later
    assert items(made.sources[name], pulls[name])
    assert not redis.exists(f"source:{name}:circuit")


WRONG = {
    "newsapi": ({"NEWSAPI_KEY": "not-a-key"}, "apiKeyInvalid"),
    "guardian": ({"GUARDIAN_KEY": "not-a-key"}, "Unauthorized"),
    "reddit": ({"REDDIT_CLIENT_SECRET": "not-a-secret"}, "client id and secret"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_wrong_key_is_reported_once_and_never_shown(make, upstreams, pulls, name):
    changed, says = WRONG[name]
    door = "reddit_token" if name == "reddit" else name
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            made = make(**changed)
            with pytest.raises(KeyRefusedError, match=says) as caught:
                items(made.sources[name], pulls[name])
            assert not any(secret in str(caught.value) for secret in changed.values())
    assert [line["event"] for line in logs] == ["source_call", "source_key_refused"]
    assert not any(secret in str(logs) for secret in changed.values())
    assert upstreams.count(door) == 1
    assert others_work(made, pulls, name)
    assert items(make().sources[name], pulls[name])  # the right key is tried at once


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("newsapi", ["NEWSAPI_KEY"]),
        ("guardian", ["GUARDIAN_KEY"]),
        ("reddit", ["REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET"]),
    ],
)
def test_a_missing_key_is_said_without_a_call(make, upstreams, pulls, name, missing):
    made = make(**dict.fromkeys(missing, ""))
    with pytest.raises(NotConfiguredError):
        items(made.sources[name], pulls[name])
    assert upstreams.count(name) == 0
    assert others_work(made, pulls, name)


def test_reddit_blocks_a_librarys_user_agent(make, pulls):
    with pytest.raises(KeyRefusedError, match="User-Agent"):
        items(make(REDDIT_USER_AGENT="python-httpx/0.28").reddit, pulls["reddit"])
