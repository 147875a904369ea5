"""The query evaluator: strict for NewsAPI, cleaned for the others."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.upstreams.query import And, QueryError, Term, fold, matches, parse, parse_cleaned, score

TEXT = fold("The climate summit ended; COVID-19 rules & the black-sea grain deal stay. बाढ़ का पानी")


def found(query: str) -> bool:
    return matches(parse(query), lambda _: TEXT)


@pytest.mark.parametrize(
    "query",
    [
        "climate",
        "CLIMATE summit",
        '"climate summit"',
        '"black sea"',
        "covid-19",
        "+climate -football",
        "climate AND (football OR summit)",
        "football OR grain",
        "NOT football",
        "-football",
        "-(football OR tennis)",
        "climate NOT tennis",
        "climate AND NOT tennis",
        "बाढ़",
        "climate & summit",
        "and",  # lower case is a word like any other, and an ampersand is none
    ][:-1],
)
def test_what_matches(query: str) -> None:
    assert found(query)


@pytest.mark.parametrize(
    "query",
    [
        "clima",
        "summit-climate",
        '"summit climate"',
        "climate -summit",
        "climate AND football",
        "NOT climate",
        "and",
    ],
)
def test_what_does_not_match(query: str) -> None:
    assert not found(query)


@pytest.mark.parametrize(
    "query",
    [
        "crypto AND OR",
        "bitcoin AND",
        "(crypto",
        "crypto)",
        "OR",
        "",
        "()",
        '"open',
        "NOT",
        "(" * 100 + "a" + ")" * 100,
    ],
)
def test_malformed_is_refused_but_can_be_cleaned(query: str) -> None:
    with pytest.raises(QueryError):
        parse(query)
    parse_cleaned(query)


def test_and_binds_tighter_than_or() -> None:
    assert found("climate OR football AND tennis")
    assert not found("(climate OR football) AND tennis")


def test_field_prefixes_only_where_allowed() -> None:
    assert parse("title:news", frozenset({"title"})) == Term(" news ", "title")
    assert parse("title:news") == Term(" title news ")


def test_score_counts_wanted_words_only() -> None:
    assert score(parse("climate OR the -football"), lambda _: TEXT) == 3


words = st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=8)


@given(st.text(max_size=200))
def test_cleaning_never_refuses_and_never_fails(query: str) -> None:
    matches(parse_cleaned(query, frozenset({"title"})), lambda _: TEXT)


@given(st.text(alphabet='ab ()"+-ANDORT', max_size=60))
def test_strict_either_reads_or_says_malformed(query: str) -> None:
    try:
        node = parse(query)
    except QueryError:
        return
    assert matches(node, lambda _: TEXT) in {True, False}


@given(words, words)
def test_negation_is_the_complement(one: str, text: str) -> None:
    folded = fold(text)
    assert matches(parse(f"-{one}"), lambda _: folded) is not matches(parse(one), lambda _: folded)


@given(st.lists(words, min_size=1, max_size=5), st.lists(words, max_size=8))
def test_side_by_side_is_and(wanted: list[str], text: list[str]) -> None:
    folded = fold(" ".join(text))
    assert matches(parse(" ".join(wanted)), lambda _: folded) is (set(wanted) <= set(text))


def test_no_word_matches_everything() -> None:
    assert parse_cleaned("()") == And(())
    assert matches(parse_cleaned("()"), lambda _: TEXT)
