"""Hours, days and weeks of time zones whose clocks are moved."""

import itertools
import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api import buckets

ZONES = sorted(zoneinfo.available_timezones())
zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
HOUR = timedelta(hours=1)
MOST = {"hour": HOUR, "day": 27 * HOUR, "week": 8 * 24 * HOUR}


@given(zones, moments, st.sampled_from(buckets.INTERVALS), st.timedeltas(HOUR, timedelta(days=20)))
@example(
    ZoneInfo("Pacific/Chatham"), datetime(2025, 4, 5, tzinfo=UTC), "hour", timedelta(days=1)
)  # a quarter past
@example(
    ZoneInfo("Australia/Lord_Howe"), datetime(2026, 4, 4, tzinfo=UTC), "hour", timedelta(days=1)
)  # half an hour
@example(
    ZoneInfo("Pacific/Apia"), datetime(2011, 12, 28, tzinfo=UTC), "day", timedelta(days=5)
)  # a day left out
@example(
    ZoneInfo("America/Goose_Bay"), datetime(2001, 10, 27, tzinfo=UTC), "day", timedelta(days=3)
)  # at 0:01
def test_buckets_cover_the_time_without_gap_or_overlap(zone, since, interval, span):
    bounds = buckets.boundaries(since, since + span, interval, zone, 1_000)
    assert bounds[0] <= since < bounds[1]
    assert bounds[-2] < since + span <= bounds[-1]
    for begin, end in itertools.pairwise(bounds):
        assert timedelta() < end - begin <= MOST[interval]
        # Every moment of a bucket is in that bucket, and in no other.
        for at in (begin, begin + (end - begin) / 2, end - timedelta(microseconds=1)):
            assert buckets.start(at, interval, zone) == begin


@given(zones, moments)
def test_a_day_is_one_date_of_the_zone(zone, at):
    begin = buckets.start(at, "day", zone)
    end = buckets.following(begin, "day", zone)
    dates = {each.astimezone(zone).date() for each in (begin, at, end - timedelta(microseconds=1))}
    assert dates == {at.astimezone(zone).date()}
    assert end.astimezone(zone).date() > at.astimezone(zone).date()


@given(zones, moments)
def test_weeks_begin_on_monday(zone, at):
    begin = buckets.start(at, "week", zone).astimezone(zone)
    # Where midnight or the whole Monday was left out, the week begins with what came after it.
    assert begin.weekday() == 0 or begin - timedelta(days=1) < begin


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 6, 1), 24)])
def test_days_of_berlin(day, hours):
    zone = ZoneInfo("Europe/Berlin")
    begin = buckets.start(datetime(*day, 12, tzinfo=UTC), "day", zone)
    assert buckets.following(begin, "day", zone) - begin == hours * HOUR
    assert len(buckets.boundaries(begin, begin + hours * HOUR, "hour", zone, 100)) == hours + 1


def test_the_hour_that_comes_twice_is_two_buckets():
    zone = ZoneInfo("Europe/Berlin")
    bounds = buckets.boundaries(
        datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC), "hour", zone, 10
    )
    assert [each.astimezone(zone).isoformat()[11:] for each in bounds[:2]] == [
        "02:00:00+02:00",
        "02:00:00+01:00",
    ]


def test_too_many_are_refused_before_they_are_made():
    with pytest.raises(ValueError, match="more than 10"):
        buckets.boundaries(
            datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC), "hour", ZoneInfo("UTC"), 10
        )
