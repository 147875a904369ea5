"""One key for one question."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.query_key import fold, query_key

texts = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("  Ukraine \t WAR ", "ukraine war"),
        ("ﬁnance", "finance"),
        ("ＴＯＫＹＯ", "tokyo"),
        ("ΚΌΣΜΟΣ", "κόσμος"),
        ("Straße", "straße"),
        ("\u00a0", ""),
    ],
)
def test_fold(typed, folded):
    assert fold(typed) == folded


@given(texts)
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(texts, texts)
def test_white_space_does_not_matter(left, right):
    assert fold(f"{left} {right}") == fold(f"  {left}\n\t {right} ")


@given(texts)
def test_composed_and_decomposed_are_one_question(text):
    assert query_key(unicodedata.normalize("NFD", text)) == query_key(unicodedata.normalize("NFC", text))


@given(texts, st.sampled_from([None, "en", "de"]))
def test_a_key_is_32_hex_characters_and_depends_on_the_language(text, language):
    assert re.fullmatch("[0-9a-f]{32}", query_key(text, language))
    assert (query_key(text, language) == query_key(text)) is (language is None)
