"""Cursors come back as they were written, are short, and cannot be changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursor import LONGEST, Cursor, Cursors
from api.queries.listing import RANKED
from api.queries.search import DEEPEST
from shared.errors import BadCursorError

IDS = st.integers(1, 2**62)
CURSORS = st.builds(
    Cursor,
    page=st.integers(1, 10**6), total=st.integers(0, 10**6), exact=st.booleans(), newest=IDS,
    ranked=st.lists(IDS, max_size=20), at=st.integers(-(2**62), 2**62), id=IDS,
)  # fmt: skip


@given(CURSORS)
def test_a_cursor_comes_back_as_it_was_written(cursor):
    signer = Cursors("secret")
    assert signer.read(signer.write(cursor, "a search"), "a search") == cursor


@given(CURSORS, st.integers(0, 10_000), st.sampled_from("ABCabc012-_"))
def test_a_changed_cursor_is_refused(cursor, place, letter):
    signer = Cursors("secret")
    text = signer.write(cursor, "a search")
    changed = text[: place % len(text)] + letter + text[place % len(text) + 1 :]
    if changed == text:
        return
    try:
        found = signer.read(changed, "a search")
    except BadCursorError as error:
        assert error.code == "cursor_malformed"
    else:
        assert found == cursor  # the last letter has bits that no byte takes


def test_a_cursor_is_of_one_search_and_one_archive():
    cursor = Cursor(page=2, total=5, exact=True, newest=9, ranked=[3, 1, 2], at=0, id=0)
    text = Cursors("secret").write(cursor, "a search")
    with pytest.raises(BadCursorError) as other_search:
        Cursors("secret").read(text, "another search")
    assert other_search.value.code == "cursor_of_another_search"
    with pytest.raises(BadCursorError) as other_archive:
        Cursors("another secret").read(text, "a search")
    assert other_archive.value.code == "cursor_malformed"


def test_the_longest_cursor_fits_its_parameter():
    ranked = [n * 2**55 for n in range(RANKED)]
    cursor = Cursor(page=DEEPEST, total=DEEPEST, exact=False, newest=2**63, ranked=ranked, at=2**62, id=2**63)
    assert len(Cursors("secret").write(cursor, "a search")) <= LONGEST
