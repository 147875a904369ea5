"""Reading single values."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kinds import Choice, Integer, Language, Moment, Text, did_you_mean
from shared.errors import BadParameterError


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T18:00", datetime(2026, 1, 31, 18, tzinfo=UTC)),
        ("2026-01-31 18:00:05", datetime(2026, 1, 31, 18, 0, 5, tzinfo=UTC)),
        ("2026-01-31T18:00:00.5Z", datetime(2026, 1, 31, 18, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-31T18:00:00+02:00", datetime(2026, 1, 31, 16, tzinfo=UTC)),
        ("2026-01-31T18:00 02:00", datetime(2026, 1, 31, 16, tzinfo=UTC)),
    ],
)
def test_moments(text, moment):
    assert Moment().read("from", text) == moment


def test_the_end_of_a_day_is_the_first_moment_of_the_next():
    assert Moment(end_of_day=True).read("to", "2026-12-31") == datetime(2027, 1, 1, tzinfo=UTC)
    assert Moment(end_of_day=True).read("to", "2026-12-31T00:00Z") == datetime(2026, 12, 31, tzinfo=UTC)


def test_the_last_day_of_the_calendar_ends_with_it():
    assert Moment(end_of_day=True).read("to", "9999-12-31") == datetime.max.replace(tzinfo=UTC)


def test_a_list_has_one_canonical_form():
    kind = Choice(names=("a", "b", "c"), several=True)
    assert kind.read("source", "c, a,c") == ("a", "c")


KINDS = [Text(longest=5), Choice(names=("a", "b")), Integer(lowest=1, highest=9), Moment(), Language()]


@given(st.sampled_from(KINDS), st.text())
def test_any_text_is_a_value_or_a_refusal_that_names_the_parameter(kind, text):
    refusal = refused(kind, text)
    if refusal:
        assert refusal.name == "name"
        assert refusal.allowed
        assert str(refusal).isprintable()


def refused(kind, text) -> BadParameterError | None:
    try:
        kind.read("name", text)
    except BadParameterError as error:
        return error
    return None


def test_did_you_mean():
    assert did_you_mean("langauge", ("language", "limit")) == "; did you mean language?"
    assert did_you_mean("zzz", ("language", "limit")) == ""
