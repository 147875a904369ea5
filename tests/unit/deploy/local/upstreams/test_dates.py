"""Dates in and out."""

import pytest

from deploy.local.upstreams import dates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", 86_400.0),
        ("1970-01-02T00:00:00Z", 86_400.0),
        ("1970-01-02T01:00:00+01:00", 86_400.0),
        ("1970-01-02T01:00:00 01:00", 86_400.0),  # a plus sign that nobody escaped
        ("2025-13-01", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_parse(text: str, expected: float | None) -> None:
    assert dates.parse(text) == expected


def test_a_bare_end_date_is_its_last_moment() -> None:
    end = dates.parse("1970-01-01", end_of_day=True)
    assert end is not None
    assert 86_399 < end < 86_400
    assert dates.parse("1970-01-01T05:00:00Z", end_of_day=True) == 5 * 3_600
