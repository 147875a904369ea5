"""The text under which an answer is registered: read as it was written, and by no release that knows queries alone."""

from datetime import UTC, datetime

import pytest

from shared.errors import BadQueryError
from shared.query import parser
from shared.query.standing import Standing, entry, of_entry

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
BOUNDED = [
    Standing(text=text, **bounds)
    for text in ("", "storm", 'storm "a phrase" OR title:x*', "lang:de häfen")
    for bounds in (
        {"since": AT},
        {"until": AT},
        {"has_image": False},
        {"since": AT, "until": AT, "has_image": True},
    )
]


@pytest.mark.parametrize("standing", [*BOUNDED, Standing(), Standing(text="storm")])
def test_it_is_read_as_it_was_written(standing):
    assert of_entry(entry(standing)) == standing


def test_without_bounds_it_is_the_query_itself():
    assert (entry(Standing()), entry(Standing(text="storm"))) == ("", "storm")


def test_each_is_another_one():
    assert len({entry(standing) for standing in BOUNDED}) == len(BOUNDED)


@pytest.mark.parametrize("standing", BOUNDED)
def test_a_release_that_knows_queries_alone_cannot_read_bounds(standing):
    """It drops the answers of what it cannot read, whatever changes."""
    with pytest.raises(BadQueryError):
        parser.parse(entry(standing))


@pytest.mark.parametrize(
    "rest", ["", "nonsense", "[]", '{"since": 1}', '{"has_image": "yes"}', '{"until": "x"}']
)
def test_bounds_that_cannot_be_read_mean_that_everything_changes_it(rest):
    assert of_entry(f"storm\x1f{rest}") == Standing()
