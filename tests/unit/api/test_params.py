"""Reading single values."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import question
from api.kinds import Choice, Integer, Language, Moment, Text, did_you_mean
from api.params import Parameter, parse, texts
from shared.errors import BadParameterError
from shared.quoting import shown

TABLE = (
    Parameter(name="q", kind=Text(longest=10), description="", example="x"),
    Parameter(name="limit", kind=Integer(lowest=1, highest=5), description="", example=1, default=2),
)


def test_defaults_stand_for_what_is_not_given():
    assert parse(b"", TABLE) == {"q": None, "limit": 2}
    assert parse(b"&q=&", TABLE) == {"q": None, "limit": 2}
    assert parse(b"q=a+b%26&limit=5", TABLE) == {"q": "a b&", "limit": 5}


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("personal&limit=20&has_image=true", "has_image=true&personal=true"),
        ("personal=false&page=1&q=+&sort=+newest++", "sort=newest"),
        ("outlet=b,a,+-c+&to=2026-12-31", "outlet=-c%2Ca%2Cb&to=2027-01-01T00%3A00%3A00Z"),
        ("from=0001-01-01T00:00:00.5%2B00:00", "from=0001-01-01T00%3A00%3A00.500000Z"),
        ("min_polarity=-1e-6&max_polarity=.3", "min_polarity=-1e-06&max_polarity=0.3"),
        ("q=%22a+b%22+OR+lang:en", "q=%22a+b%22+OR+lang%3Aen"),
    ],
)
def test_a_request_has_one_canonical_form_that_is_read_as_the_same(sent, canonical):
    table = (*question.PARAMETERS, question.PERSONAL)
    read = parse(sent.encode(), table)
    assert urlencode(texts(read, table)) == canonical
    assert parse(canonical.encode(), table) == read


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


def test_a_long_or_unprintable_text_is_shown_short_and_clean():
    assert shown("x" * 100) == "x" * 39 + "…"
    assert shown("a\nb\x00") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


def test_did_you_mean():
    assert did_you_mean("langauge", ("language", "limit")) == "; did you mean language?"
    assert did_you_mean("zzz", ("language", "limit")) == ""
