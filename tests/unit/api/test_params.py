"""Reading a query string by a table."""

from urllib.parse import urlencode

import pytest

from api import question
from api.kinds import Integer, Text
from api.params import Parameter, parse, texts
from shared.errors import BadParameterError

TABLE = (
    Parameter(name="q", kind=Text(longest=10), description="", example="x"),
    Parameter(name="limit", kind=Integer(lowest=1, highest=5), description="", example=1, default=2),
)


def test_defaults_stand_for_what_is_not_given():
    assert parse(b"", TABLE) == {"q": None, "limit": 2}
    assert parse(b"&q=&", TABLE) == {"q": None, "limit": 2}
    assert parse(b"q=a+b%26&limit=5", TABLE) == {"q": "a b&", "limit": 5}


@pytest.mark.parametrize("control", ["%1C", "%1D", "%1E", "%1F", "%C2%85"])
@pytest.mark.parametrize(
    "sent", ["limit={}1", "sort=newest{}", "source=guardian,{}reddit", "cursor={}", "author={}x", "{}limit=1"]
)
def test_a_control_character_is_no_white_space(sent, control):
    with pytest.raises(BadParameterError):
        parse(sent.format(control).encode(), question.PARAMETERS)


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
