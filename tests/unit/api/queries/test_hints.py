"""What the index is asked for beside words; tests/integration/api/test_hints.py has the same in SQL."""

import pytest

from api.queries import hints
from shared.query.parser import parse

LEXEMES = {
    ("english", "climate change"): "'climat' <-> 'chang'",
    ("simple", "climate change"): "'climate' <-> 'change'",
    ("english", "bank of england"): "'bank' <2> 'england'",
    ("simple", "bank of england"): "'bank' <-> 'of' <-> 'england'",
    ("english", "o'neill won"): "'o''neill' <-> 'won'",
    ("simple", "o'neill won"): "'o''neill' <-> 'won'",
    ("english", "war"): "'war'",
    ("simple", "war"): "'war'",
    ("simple", "bbc news"): "'bbc' <-> 'news'",
}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("source:guardian", ["guardian"]),
        ("lang:de", ["lang:de"]),
        ("sentiment:positive", ["tone:positive"]),
        ("sentiment:0.25..0.45", ["polarity:2", "polarity:3", "polarity:4"]),
        ("sentiment:>0.8", ["polarity:8", "polarity:9", "polarity:10"]),
        ("sentiment:<=-0.95", ["polarity:-10"]),
        ("lang:en", None),
        ("sentiment:<0.9", None),
    ],
)
def test_facets(query, names):
    assert hints.facets(parse(query).root) == names


def test_a_phrase_is_its_pairs_in_each_language():
    found = hints.pairs(parse('"climate change"').root, ("english", "simple"), LEXEMES, "p")
    assert list(found.values.values()) == ["climat", "chang", "climate", "change"]


def test_quotes_in_a_word_are_its_own():
    found = hints.pairs(parse('"o\'neill won"').root, ("english",), LEXEMES, "p")
    assert list(found.values.values()) == ["o'neill", "won"]


def test_phrases_of_which_one_is_enough_are_found_by_the_pairs_of_each():
    query = parse('"climate change" OR outlet:"bbc news"').root
    found = hints.pairs(query, ("english",), LEXEMES, "p")
    assert list(found.values.values()) == ["climat", "chang", "bbc", "news"]


@pytest.mark.parametrize("query", ["war", '"bank of england"', '"climate change" OR war', "clim*", "lang:de"])
def test_no_pairs_where_a_match_may_have_none(query):
    assert hints.pairs(parse(query).root, ("english", "simple"), LEXEMES, "p") is None
