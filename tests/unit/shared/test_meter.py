"""Measuring in memory: exact counts from any thread, the last word of a gauge, timings in narrow steps."""

import threading
from bisect import bisect_left
from itertools import pairwise

import pytest

from shared.meter import BOUNDS, Meter


def test_counts_add_up_for_each_set_of_dimensions_in_whatever_order_they_come():
    meter = Meter()
    meter.count("source_calls", source="guardian", outcome="ok")
    meter.count("source_calls", 2, outcome="ok", source="guardian")
    meter.count("source_calls", source="reddit", outcome="ok")
    assert meter.seen().counts == {
        ("source_calls", ("guardian", "ok")): 3,
        ("source_calls", ("reddit", "ok")): 1,
    }


def test_no_count_is_lost_between_threads():
    meter = Meter()

    def count():
        for _ in range(2_000):
            meter.count("answers_dropped")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert meter.seen().counts == {("answers_dropped", ()): 8_000}


def test_the_last_word_of_a_gauge_stands():
    meter = Meter()
    meter.gauge("queue_age", 7.5, queue="bulk")
    meter.gauge("queue_age", 3.5, queue="bulk")
    assert meter.seen().gauges["queue_age", ("bulk",)].value == 3.5


@pytest.mark.parametrize("milliseconds", [0, 0.05, 0.1, 0.31, 7, 99_999, 10**7])
def test_a_timing_is_counted_below_the_next_bound(milliseconds):
    meter = Meter()
    meter.timing("command_duration", milliseconds, command="FetchTopic")
    spread = meter.seen().timings["command_duration", ("FetchTopic",)]
    assert spread.milliseconds == milliseconds
    assert spread.buckets.index(1) == bisect_left(BOUNDS, milliseconds)
    assert sum(spread.buckets) == 1


def test_no_two_bounds_are_far_apart():
    assert max(upper / lower for lower, upper in pairwise(BOUNDS)) < 1.13
    assert (BOUNDS[0], BOUNDS[-1]) == (0.1, 100_000)


def test_what_has_been_seen_does_not_change_any_more():
    meter = Meter()
    meter.timing("search_duration", 1)
    before = meter.seen()
    meter.timing("search_duration", 1)
    meter.count("answers_dropped")
    assert sum(before.timings["search_duration", ()].buckets) == 1
    assert before.counts == {}


def test_a_watched_level_is_measured_when_somebody_looks():
    meter = Meter()
    levels = iter([1.0, 2.0])
    meter.watch(lambda: meter.gauge("queue_depth", next(levels), queue="bulk"))
    assert [meter.seen().gauges["queue_depth", ("bulk",)].value for _ in range(2)] == [1, 2]
