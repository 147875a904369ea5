"""Budgets and tokens shared by many workers, against a simulator that counts what its limits refuse."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.ports import Priority, Pull
from ingest.sources.budget import PATIENCE_SECONDS
from ingest.sources.registry import ledgers
from shared.config import IngestSettings
from shared.errors import BudgetSpentError
from tests.eventually import eventually


@pytest.fixture(autouse=True)
def no_window_ends_meanwhile():
    eventually(lambda: time.time() % 600 < 570, seconds=60)


def pull_once(source, pull):
    try:
        return len([next(source.pages(pull))])
    except BudgetSpentError:
        return 0


@pytest.mark.parametrize(
    ("priority", "calls"), [(Priority.INTERACTIVE, 10), (Priority.CADENCE, 8), (Priority.BACKFILL, 5)]
)
def test_workers_together_stay_within_newsapis_half_day(make, upstreams, priority, calls):
    upstreams.change(newsapi_budget=calls)
    workers = [make(NEWSAPI_CALLS_PER_12H="10") for _ in range(4)]
    pull = Pull(kind="query", query="the", priority=priority)
    with ThreadPoolExecutor(8) as pool:
        made = sum(pool.map(lambda n: pull_once(workers[n % 4].newsapi, pull), range(24)))
    assert made == calls
    assert upstreams.calls()["counts"]["newsapi"] == calls
    assert upstreams.calls()["limited"]["newsapi"] == 0


def test_one_token_for_all_workers(make, upstreams):
    workers = [make() for _ in range(4)]
    pull = Pull(kind="subreddit", query="news")
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda n: pull_once(workers[n % 4].reddit, pull), range(16))) == 16
    assert upstreams.count("reddit_token") == 1


def test_a_token_that_ended_early_is_renewed(make, upstreams):
    made = make()
    pull = Pull(kind="subreddit", query="news")
    assert pull_once(made.reddit, pull)
    upstreams.change(clock_offset_seconds=90_000)
    assert pull_once(made.reddit, pull)
    assert upstreams.count("reddit_token") == 2


def test_what_reddit_says_is_left_is_believed(make, upstreams):
    upstreams.change(reddit_limit=3, reddit_headerless_every=0)
    made = make()
    pull = Pull(kind="subreddit", query="news", priority=Priority.INTERACTIVE)
    assert [pull_once(made.reddit, pull) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert upstreams.calls()["limited"]["reddit"] == 0


def test_what_the_guardian_says_is_left_of_the_day_is_believed(make, upstreams):
    upstreams.change(guardian_per_day=2)
    made = make()
    pull = Pull(kind="section", query="", priority=Priority.INTERACTIVE)
    assert [pull_once(made.guardian, pull) for _ in range(4)] == [1, 1, 0, 0]
    assert upstreams.calls()["limited"]["guardian"] == 0


def test_the_guardians_pace_is_kept(make, monkeypatch):
    made = make(GUARDIAN_CALLS_PER_SECOND="1")
    ledger = made.guardian._questions._caller._ledger
    assert ledger.pace_seconds == 1.05
    # A hundred times slower: no stall of the machine reaches to the next turn.
    monkeypatch.setattr(ledger, "_pace_ms", 105_000)
    monkeypatch.setitem(PATIENCE_SECONDS, Priority.INTERACTIVE, 220)
    pull = Pull(kind="section", query="", priority=Priority.INTERACTIVE)
    assert [pull_once(made.guardian, pull) for _ in range(4)] == [1, 1, 1, 0]
    first, second = made.slept
    assert 75 < first <= 105
    assert 180 < second <= 210


def test_what_is_left_is_there_for_status_pages(make, redis, redis_url):
    made = make()
    pull_once(made.newsapi, Pull(kind="query", query="the"))
    settings = IngestSettings(database_url="postgresql://none/none", redis_url=redis_url)
    left = {
        name: {w.window: w.left for w in books.remaining()}
        for name, books in ledgers(settings, redis).items()
    }
    assert left == {
        "newsapi": {"12 hours": 49, "day": 99},
        "guardian": {"day": 500},
        "reddit": {"10 minutes": 1000},
    }
