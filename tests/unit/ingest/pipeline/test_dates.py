"""Dates of upstreams → UTC, or a named refusal."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.pipeline.dates import parse
from ingest.pipeline.errors import UnusableError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST, LAST = datetime(1991, 1, 1), datetime(2026, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
AT = datetime(2022, 5, 26, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2022-05-26T14:30:00Z",
        " 2022-05-26T14:30:00.000+00:00 ",
        "2022-05-26T20:00:00+05:30",
        "2022-05-26 14:30:00",
        AT.timestamp(),
        int(AT.timestamp()),
        str(AT.timestamp()),
    ],
)
def test_one_moment_in_many_spellings(value):
    assert parse(value, NOW) == AT


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "yesterday", "2022-13-01", "1970-01-01T00:00:00Z", "1989-12-31", "2026-03-03T00:00:00Z"),
        *(
            0.0,
            -5,
            1e30,
            float("nan"),
            float("inf"),
            True,
            "9" * 400,
            "0001-01-01T00:00:00+14:00",
            "20220526143000",
        ),
    ],
)
def test_what_is_no_date_is_refused(value):
    with pytest.raises(UnusableError) as refused:
        parse(value, NOW)
    assert refused.value.reason == "bad_date"


def test_a_day_ahead_is_a_clock_and_not_a_lie():
    assert parse((NOW + timedelta(hours=23)).isoformat(), NOW) == NOW + timedelta(hours=23)


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(FIRST, LAST, timezones=offsets))
def test_every_offset_is_the_same_moment(at):
    assert parse(at.isoformat(), NOW) == at
    assert parse(at.isoformat(), NOW).tzinfo is UTC


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers()))
def test_no_value_is_a_surprise(value):
    with contextlib.suppress(UnusableError):
        assert parse(value, NOW).tzinfo is UTC
