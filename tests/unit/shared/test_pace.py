"""Rate and time left of a backfill."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.pace import pages_per_hour, recent_since, seconds_left

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_what_was_before_a_pause_or_an_hour_ago_is_no_rate():
    assert recent_since(NOW - 5 * HOUR, NOW) == NOW - HOUR
    assert recent_since(NOW - HOUR / 2, NOW) == NOW - HOUR / 2


@pytest.mark.parametrize(
    ("pages", "going_since", "rate"),
    [(28, NOW - 9 * HOUR, 28), (7, NOW - HOUR / 4, 28), (1, NOW, 60), (0, NOW - HOUR, 0)],
)
def test_the_rate_is_of_the_last_hour_or_since_it_goes_on(pages, going_since, rate):
    assert pages_per_hour(pages, going_since, NOW) == rate


@pytest.mark.parametrize(
    ("calls_left", "calls_per_day", "retry_at", "seconds"),
    [
        (32, 64, None, 43_200),
        (32, 64, NOW - HOUR, 43_200),
        (32, 64, NOW + 11 * HOUR, 43_200 + 11 * 3_600),  # spent for today
        (0, 64, NOW + HOUR, 0),
        (0, None, None, 0),
        (5, 0, None, None),  # live work needs all of it
        (5, None, None, None),  # nobody tells
    ],
)
def test_the_time_left_is_the_wait_and_the_calls_within_the_budget(
    calls_left, calls_per_day, retry_at, seconds
):
    assert seconds_left(calls_left, calls_per_day, retry_at, NOW) == seconds
