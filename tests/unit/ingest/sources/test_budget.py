import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest.ports import Priority
from ingest.sources import budget
from ingest.sources.budget import Ledger, Observed, Window, shares
from shared.errors import BudgetSpentError, NoTurnError
from tests.eventually import eventually

DAY = 86_400
HALF_DAY = 43_200
SHARES = shares(0.8, 0.5)


def ledger(redis, *windows, calls_per_second=None):
    return Ledger("newsapi", redis, windows, SHARES, calls_per_second=calls_per_second)


def window(limit, seconds=DAY, name="day"):
    return Window(name=name, seconds=seconds, limit=limit)


@pytest.fixture(autouse=True)
def no_slice_ends_meanwhile():
    eventually(lambda: time.time() % HALF_DAY < HALF_DAY - 30, seconds=60)


@pytest.fixture
def slow(redis, monkeypatch):
    """A ledger with turns a hundred times as far apart as in production: further than a machine stalls."""
    patience = {priority: 100 * seconds for priority, seconds in budget.PATIENCE_SECONDS.items()}
    monkeypatch.setattr(budget, "PATIENCE_SECONDS", patience)
    return ledger(redis, window(500), calls_per_second=0.01)


def refusal(books):
    """The error that ends one call after another."""
    while True:
        try:
            books.charge(Priority.INTERACTIVE)
        except BudgetSpentError as spent:
            return spent


def granted(books, times, priority=Priority.INTERACTIVE):
    count = 0
    for _ in range(times):
        try:
            books.charge(priority)
        except BudgetSpentError:
            continue
        count += 1
    return count


@pytest.mark.parametrize(
    ("priority", "calls"), [(Priority.INTERACTIVE, 10), (Priority.CADENCE, 8), (Priority.BACKFILL, 5)]
)
def test_each_priority_has_its_share(redis, priority, calls):
    assert granted(ledger(redis, window(10)), 20, priority) == calls


def test_what_bulk_work_spent_counts_for_readers_too_and_they_have_the_rest(redis):
    books = ledger(redis, window(10))
    assert granted(books, 20, Priority.BACKFILL) == 5
    assert granted(books, 20, Priority.CADENCE) == 3
    assert granted(books, 20, Priority.INTERACTIVE) == 2


def test_a_share_of_a_tiny_budget_is_still_one_call(redis):
    assert granted(ledger(redis, window(1)), 3, Priority.BACKFILL) == 1


def test_a_refusal_says_who_what_and_until_when(redis):
    books = ledger(redis, window(2, HALF_DAY, "12 hours"), window(100))
    granted(books, 2)
    with pytest.raises(
        BudgetSpentError, match="2 calls that interactive work may make per 12 hours"
    ) as caught:
        books.charge(Priority.INTERACTIVE)
    assert caught.value.code == "budget_spent"
    at = caught.value.retry_at
    assert at.timestamp() % HALF_DAY == 0
    assert timedelta(0) < at - datetime.now(UTC) <= timedelta(hours=12)


def test_all_windows_are_charged_or_none(redis):
    books = ledger(redis, window(5, HALF_DAY, "12 hours"), window(3))
    assert granted(books, 9) == 3
    assert {w.window: w.left for w in books.remaining()} == {"12 hours": 2, "day": 0}


def test_when_several_windows_are_spent_the_last_to_end_decides(redis):
    books = ledger(redis, window(1, HALF_DAY, "12 hours"), window(1))
    granted(books, 1)
    with pytest.raises(BudgetSpentError) as caught:
        books.charge(Priority.INTERACTIVE)
    assert caught.value.retry_at.timestamp() % DAY == 0


def test_the_next_slice_is_a_fresh_one(redis):
    books = ledger(redis, window(2, seconds=1, name="second"))
    spent = refusal(books)
    time.sleep(max(0, spent.retry_at.timestamp() - time.time()) + 0.01)
    assert books.remaining()[0].left == 2
    assert granted(books, 2) == 2


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(threads=st.integers(1, 8), charges=st.integers(1, 12), limit=st.integers(1, 40))
def test_threads_never_exceed_a_budget(redis, threads, charges, limit):
    redis.flushall()
    books = ledger(redis, window(limit, HALF_DAY, "12 hours"), window(limit + 3))
    with ThreadPoolExecutor(threads) as pool:
        total = sum(pool.map(lambda _: granted(books, charges), range(threads)))
    assert total == min(limit, threads * charges)


def test_processes_never_exceed_a_budget(redis, redis_url):
    script = f"""
import redis
from ingest.ports import Priority
from ingest.sources.budget import Ledger, Window, shares
from shared.errors import BudgetSpentError
with redis.Redis.from_url({redis_url!r}) as client:
    books = Ledger("newsapi", client, (Window(name="day", seconds={DAY}, limit=50),), shares(0.8, 0.5))
    made = 0
    for _ in range(40):
        try:
            books.charge(Priority.INTERACTIVE)
            made += 1
        except BudgetSpentError:
            pass
print(made)
"""
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert sum(int(process.communicate()[0]) for process in running) == 50


def test_what_a_lost_redis_forgets_who_called_still_knows(redis):
    books = ledger(redis, window(5), window(7, HALF_DAY, "12 hours"))
    assert granted(books, 3) == 3
    redis.flushall()  # a node without replicas was replaced
    assert granted(books, 9) == 2
    assert {w.window: w.left for w in books.remaining()} == {"day": 0, "12 hours": 2}


def test_what_one_thread_knows_all_threads_know(redis):
    books = ledger(redis, window(60))
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: granted(books, 5), range(8))) == 40
    redis.flushall()
    assert granted(books, 60) == 20


def test_calls_of_one_a_second_are_a_little_more_than_a_second_apart(redis):
    assert ledger(redis, window(500), calls_per_second=1).pace_seconds == 1.05


def test_a_turn_is_kept_when_redis_forgets_it(slow, redis):
    assert slow.charge(Priority.INTERACTIVE) == 0
    redis.flushall()
    assert 75 < slow.charge(Priority.INTERACTIVE) <= 105


def test_a_pace_gives_each_caller_its_turn(slow):
    waits = [slow.charge(Priority.INTERACTIVE) for _ in range(3)]
    assert waits[0] == 0
    assert 75 < waits[1] <= 105
    assert 180 < waits[2] <= 210
    with pytest.raises(NoTurnError, match="no turn before") as caught:
        slow.charge(Priority.INTERACTIVE)
    assert timedelta(seconds=285) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=315)
    assert slow.remaining()[0].left == 497  # who gets no turn pays nothing


def test_bulk_work_queues_for_the_very_next_turn_only_so_that_a_reader_still_gets_one(slow):
    assert granted(slow, 10, Priority.BACKFILL) == 2
    assert 180 < slow.charge(Priority.INTERACTIVE) <= 210


def test_a_source_that_said_when_to_come_back_is_not_called_before(redis):
    books = ledger(redis, window(500))
    until = datetime.now(UTC) + timedelta(minutes=5)
    books.close(until)
    books.close(until - timedelta(minutes=4))  # never shortens
    with pytest.raises(BudgetSpentError) as caught:
        books.charge(Priority.INTERACTIVE)
    assert abs(caught.value.retry_at - until) < timedelta(seconds=0.01)


def test_closing_ends_by_itself(redis):
    books = ledger(redis, window(500))
    books.close(datetime.now(UTC) + timedelta(seconds=0.05))
    time.sleep(0.1)
    assert books.charge(Priority.INTERACTIVE) == 0


def test_what_the_source_says_is_left_tightens_and_never_loosens(redis):
    books = ledger(redis, window(100))
    books.charge(Priority.INTERACTIVE)
    books.observe(Observed(window="day", left=3))
    assert books.remaining()[0].left == 3
    books.observe(Observed(window="day", left=90))
    books.observe(Observed(window="day", left=4_000))
    assert books.remaining()[0].left == 3
    assert granted(books, 10) == 3


def test_nothing_left_closes_until_their_window_ends_not_ours(redis):
    books = ledger(redis, window(100))
    ends = datetime.now(UTC) + timedelta(minutes=3)
    books.observe(Observed(window="minute", left=0, ends_at=ends))
    with pytest.raises(BudgetSpentError) as caught:
        books.charge(Priority.INTERACTIVE)
    assert abs(caught.value.retry_at - ends) < timedelta(seconds=0.01)


def test_an_untouched_window_is_whole(redis):
    (left,) = ledger(redis, window(7)).remaining()
    assert (left.left, left.limit, left.ends_at.timestamp() % DAY) == (7, 7, 0)


def test_no_key_outlives_its_window(redis):
    books = ledger(redis, window(7), calls_per_second=0.01)
    books.charge(Priority.INTERACTIVE)
    books.close(datetime.now(UTC) + timedelta(hours=1))
    lives = [redis.ttl(key) for key in redis.keys("source:newsapi:*")]
    assert len(lives) == 3
    assert all(0 < seconds <= DAY for seconds in lives)
