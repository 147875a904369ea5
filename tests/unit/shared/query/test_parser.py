import itertools
import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.errors import BadParameterError, BadQueryError
from shared.query.canonical import cache_text, canonical
from shared.query.limits import MAX_CHARACTERS, MAX_DEPTH, MAX_TERMS
from shared.query.parser import parse
from shared.query.tokens import DASHES
from shared.query.tree import And, Equal, Node, Not, Or, Polarity, Query, Text
from shared.query.words import normal


def word(text: str, field: str = "any") -> Text:
    return Text("word", text, field)


def refusal(text: str) -> BadQueryError:
    with pytest.raises(BadQueryError) as caught:
        parse(text)
    return caught.value


def understood(text: str) -> Query | BadQueryError:
    try:
        return parse(text)
    except BadQueryError as error:
        return error


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("War", word("war")),
        ("ukraine war", And((word("ukraine"), word("war")))),
        ("ukraine AND war", And((word("ukraine"), word("war")))),
        ("a b OR c", Or((And((word("a"), word("b"))), word("c")))),
        ("a (b OR c)", And((word("a"), Or((word("b"), word("c")))))),
        ("a -b", And((word("a"), Not(word("b"))))),
        ("NOT NOT a", word("a")),
        ("-(a OR b)", Not(Or((word("a"), word("b"))))),
        ("((a)) (b (c))", And((word("a"), word("b"), word("c")))),
        ("a and b", And((word("a"), word("and"), word("b")))),
        ('"Climate  Change"', Text("phrase", "climate change")),
        ("“climate change”", Text("phrase", "climate change")),
        ("econom*", Text("prefix", "econom")),
        ("中*", Text("prefix", "中")),
        ("covid-19", word("covid-19")),
        ("1914\u20131918 war\u2014", And((word("1914\u20131918"), word("war\u2014")))),
        ("Who won, then?", And((word("who"), word("won"), word("then")))),
        ("O'Neill", word("o'neill")),
        ("10:30", word("10:30")),
        ("war -2020... 3..x", And((word("war"), Not(word("2020")), word("3..x")))),
        ("C++ 5% #tag", And((word("c++"), word("5%"), word("#tag")))),
        ("Title:War", word("war", "title")),
        ("title:(a OR -b)", Or((word("a", "title"), Not(word("b", "title"))))),
        ("body:econom*", Text("prefix", "econom", "body")),
        ('outlet:"BBC News"', Text("phrase", "bbc news", "outlet")),
        ("author:smith", word("smith", "author")),
        ("title:NOT", word("not", "title")),
        ("a OR a", word("a")),
        ("a (b OR c) a (c OR b)", And((word("a"), Or((word("b"), word("c")))))),
        ("source:Guardian", Equal("source", "guardian")),
        ("lang:(EN OR de)", Or((Equal("lang", "en"), Equal("lang", "de")))),
        ("-sentiment:Positive", Not(Equal("sentiment", "positive"))),
        ("sentiment:>0.3", Polarity(low=0.3, open_low=True)),
        ("sentiment:<=-.5", Polarity(high=-0.5)),
        ("sentiment:-0.5..0.25", Polarity(low=-0.5, high=0.25)),
        ("sentiment:(-0.5..0.1)", Polarity(low=-0.5, high=0.1)),
        (
            "sentiment:(>0.5 OR <-0.5)",
            Or((Polarity(low=0.5, open_low=True), Polarity(high=-0.5, open_high=True))),
        ),
    ],
)
def test_what_is_understood(text: str, tree: object) -> None:
    assert parse(text).root == tree


@pytest.mark.parametrize(
    ("text", "code", "position", "suggestion"),
    [
        ("", "query_empty", 0, None),
        ("  \t\n", "query_empty", 0, None),
        ("war )", "query_syntax", 4, "war"),
        ("a (war", "query_syntax", 2, "a (war)"),
        ("((war) x", "query_syntax", 0, "((war) x)"),
        ("()", "query_syntax", 0, None),
        ("war ()", "query_syntax", 4, "war"),
        ('a "war', "query_syntax", 2, 'a "war"'),
        ('war ""', "query_syntax", 4, "war"),
        ("war AND", "query_syntax", 4, "war"),
        ("OR war", "query_syntax", 0, "war"),
        ("war OR AND peace", "query_syntax", 4, "war AND peace"),
        ("NOT", "query_syntax", 0, None),
        ("--war", "query_syntax", 1, "-war"),
        ("live - news", "query_syntax", 5, "live news"),
        ("a(b)", "query_syntax", 1, "a (b)"),
        ("titel:war", "query_unknown_field", 0, "title:war"),
        ("x headline:war", "query_unknown_field", 2, "x title:war"),
        ("language:en", "query_unknown_field", 0, "lang:en"),
        ("zzz:war", "query_unknown_field", 0, '"zzz:war"'),
        ("https://a.com/b?c", "query_unknown_field", 0, '"https://a.com/b?c"'),
        ("title: war", "query_syntax", 0, "title:war"),
        ("war title:", "query_syntax", 4, "war"),
        ("title:(body:war)", "query_syntax", 7, "title:(war)"),
        ("title:-war", "query_syntax", 6, "-title:war"),
        *(("climate " + dash + "war", "query_syntax", 8, "climate -war") for dash in DASHES),
        ("title:\u2212war", "query_syntax", 6, "-title:war"),
        ("climate \u2013title:war", "query_syntax", 8, "climate -title:war"),
        ('climate \u2013"cold war"', "query_syntax", 8, 'climate -"cold war"'),
        ("climate \u2014(war OR peace)", "query_syntax", 8, "climate -(war OR peace)"),
        ('climate !"cold war"', "query_syntax", 8, 'climate -"cold war"'),
        ("climate \u2013 war", "query_syntax", 8, "climate war"),
        (",-war", "query_syntax", 1, "-war"),
        ("a …-b", "query_syntax", 3, "a -b"),
        ("title:,-war", "query_syntax", 7, "-title:war"),
        (",…+war", "query_syntax", 2, "war"),
        (",'climate change'", "query_syntax", 1, '"climate change"'),
        ("(peace OR title:-war) x", "query_syntax", 16, "(peace OR -title:war) x"),
        ("sentiment:posative", "query_bad_value", 10, "sentiment:positive"),
        ("sentiment:0.3", "query_bad_value", 10, "sentiment:>=0.3"),
        ("sentiment:>1.5", "query_bad_value", 10, None),
        ("sentiment:0.5..0.1", "query_bad_value", 10, "sentiment:0.1..0.5"),
        ("lang:english", "query_bad_value", 5, "lang:en"),
        ("lang:en-us", "query_bad_value", 5, "lang:en"),
        ("lang:jp", "query_bad_value", 5, "lang:ja"),
        ("lang:xx", "query_bad_value", 5, None),
        ("lang:zh_TW", "query_bad_value", 5, "lang:zh"),
        *(
            (f"lang:{name}", "query_bad_value", 5, f"lang:{code}")
            for name, code in [
                ("Deutsch", "de"),
                ("Polish", "pl"),
                ("Ukrainian", "uk"),
                ("Persian", "fa"),
                ("Korean", "ko"),
                ("Español", "es"),
                ("Bengali", "bn"),
                ("norwegian", "no"),
            ]
        ),
        *((f"lang:{name}", "query_bad_value", 5, None) for name in ("Quenya", "polisch", "germany", "eng")),
        ("war from:2026-01-01", "query_unknown_field", 4, "war"),
        ("date:2026 war", "query_unknown_field", 0, "war"),
        ("before:2026", "query_unknown_field", 0, None),
        ("from: Angela", "query_unknown_field", 0, "Angela"),
        ("war sentiment:> 0.3", "query_bad_value", 14, "war sentiment:>0.3"),
        ("sentiment:(<= -.5 OR positive)", "query_bad_value", 11, "sentiment:(<=-.5 OR positive)"),
        ("sentiment:> high", "query_bad_value", 10, None),
        ("source:guardain", "query_bad_value", 7, "source:guardian"),
        ("x -source:bbc-news y", "query_bad_value", 10, "x -outlet:bbc-news y"),
        ('source:"BBC News"', "query_bad_value", 7, 'outlet:"BBC News"'),
        ("source:(bbc OR reddit)", "query_bad_value", 8, None),
        ("*", "query_wildcard", 0, None),
        ("%", "query_wildcard", 0, None),
        ("a* b", "query_wildcard", 0, "a b"),
        ("covid-1*", "query_wildcard", 0, "covid-1"),
        ("war 12:x", "query_syntax", 4, 'war "12:x"'),
        ("war 2020..2024", "query_syntax", 4, 'war "2020..2024"'),
        ("-(-1..0.5 ) a", "query_syntax", 2, '-("-1..0.5" ) a'),
        ("w?r", "query_wildcard", 0, "w r"),
        ("*war", "query_wildcard", 0, "war"),
        ('"climate chang*"', "query_wildcard", 14, '"climate chang"'),
        ("war & peace", "query_syntax", 4, "war AND peace"),
        ("war | peace", "query_syntax", 4, "war OR peace"),
        ("war|peace", "query_syntax", 0, "(war OR peace)"),
        ("S&P 500", "query_syntax", 0, '"S&P" 500'),
        ("!war", "query_syntax", 0, "-war"),
        ("+war", "query_syntax", 0, "war"),
        ("war <-> peace", "query_syntax", 4, "war peace"),
        ("war:*", "query_unknown_field", 0, '"war:"'),
        ("'climate change'", "query_syntax", 0, '"climate change"'),
        ("'; DROP TABLE articles; --", "query_syntax", 0, "DROP TABLE articles"),
        ("x' OR '1'='1", "query_syntax", 6, 'x\' OR "1" 1'),
        ("1; SELECT 1", "query_syntax", 0, "1 SELECT 1"),
        ("pg_sleep(10)", "query_syntax", 8, "pg_sleep (10)"),
        ("war -- peace", "query_syntax", 5, "war peace"),
        ("war /* x */", "query_syntax", 4, "war x"),
        ("a\x00b", "query_bad_character", 1, "a b"),
        ("a\x1b", "query_bad_character", 1, "a"),
        ("war \ud800", "query_bad_character", 4, "war"),
        ("\u202ewar", "query_bad_character", 0, "war"),
        ("😀", "query_syntax", 0, None),
        ("w" * 101, "query_too_long", 0, None),
        ("war " * 250 + "x", "query_too_long", MAX_CHARACTERS, None),
        ("war " * (MAX_TERMS + 1), "query_too_many_terms", 4 * MAX_TERMS, None),
        ("(" * 400 + "war" + ")" * 400, "query_too_deep", MAX_DEPTH, None),
        ("-(" * 300 + "war" + ")" * 300, "query_too_deep", 2 * MAX_DEPTH + 1, None),
    ],
)
def test_what_is_refused(text: str, code: str, position: int, suggestion: str | None) -> None:
    error = refusal(text)
    assert (error.code, error.position, error.suggestion) == (code, position, suggestion)
    assert isinstance(error, BadParameterError)
    assert error.name == "q"
    assert f"position {position}" in str(error)
    assert suggestion is None or suggestion in str(error)


@pytest.mark.parametrize(
    ("field", "advice"),
    [
        ("from", "the parameter `from`"),
        ("after", "the parameter `from`"),
        ("Before", "the parameter `to`"),
        ("date", "the parameters `from` and `to`"),
    ],
)
def test_whoever_writes_a_time_as_a_field_is_told_the_parameter(field: str, advice: str) -> None:
    assert f"use {advice}" in str(refusal(f"war {field}:2026-01-01"))


def test_a_field_before_a_long_group_counts_as_typed_in_full() -> None:
    error = refusal("sentiment:(" + " OR ".join(f">0.{n:05}" for n in range(60)) + ")")
    assert (error.code, error.position) == ("query_too_long", 0)


@pytest.mark.parametrize(
    "text", ["(" * 500_000, "-" * 500_000, "a " * 500_000, '"' * 500_000, "title:" * 100_000, "x" * 1_000_000]
)
def test_a_flood_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    refusal(text)
    refusal(text[:MAX_CHARACTERS])
    assert time.process_time() - start < 0.5


def test_the_largest_query_is_read_at_once() -> None:
    text = "(" * MAX_DEPTH + " OR ".join(f"word{n}" for n in range(MAX_TERMS)) + ")" * MAX_DEPTH
    start = time.process_time()
    parse(text)
    assert time.process_time() - start < 0.2


def test_places_are_where_each_distinct_term_first_stands() -> None:
    query = parse("war OR (title:war -WAR)")
    assert query.places == {word("war"): 0, word("war", "title"): 14}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Ukraine  AND (WAR) ", "ukraine war"),
        ("(a b) OR (c)", "a b OR c"),
        ("NOT (a OR b) c", "-(a OR b) c"),
        ("Title:( “A  b” OR econom* )", 'title:"a b" OR title:econom*'),
        ("sentiment:<=-0.50 OR sentiment:>+.3", "sentiment:<=-0.5 OR sentiment:>0.3"),
        ("Sentiment:-1..-0 lang:EN", "sentiment:-1..0 lang:en"),
    ],
)
def test_canonical_text_keeps_the_order_and_nothing_else(text: str, expected: str) -> None:
    assert canonical(parse(text).root) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ukraine   WAR", "war ukraine"),
        ("a AND (b AND c)", "c b a"),
        ("(b OR d) (d OR b) OR c", "b OR c OR d"),
        ("-(-a -a)", "a"),
        ("(a b) OR c", "c OR b a"),
        ("title:(a OR b)", "title:b OR title:a"),
        ("NOT a b", "b -a"),
        ("“a b”", '"A  B"'),
        ("sentiment:>0.30", "SENTIMENT:>.3"),
    ],
)
def test_equal_queries_have_one_cache_text(one: str, other: str) -> None:
    assert cache_text(parse(one).root) == cache_text(parse(other).root)


def test_different_queries_have_different_cache_texts() -> None:
    texts = [
        "a b",
        "a OR b",
        '"a b"',
        "a -b",
        "a title:b",
        "title:(a b)",
        "abc*",
        "abc",
        "a (b OR c)",
        "a b OR c",
    ]
    assert len({cache_text(parse(text).root) for text in texts}) == len(texts)


def unordered(node: Node) -> object:
    """Equal for trees that mean the same."""
    if isinstance(node, And | Or):
        return type(node), frozenset(map(unordered, node.children))
    return (Not, unordered(node.child)) if isinstance(node, Not) else node


def check_texts(root: Node) -> None:
    """Each text of a query is read as that query again, so that no two of another meaning have one in common."""
    assert parse(canonical(root)).root == root
    kept = parse(cache_text(root)).root
    assert unordered(kept) == unordered(root)
    assert cache_text(kept) == cache_text(root)


@pytest.mark.parametrize(
    ("characters", "length"),
    [
        (",…-\u2013\"'+*:.( )\u030cJ", 4),
        (["lang:en ", "a ", "OR ", "-", "(", ") "], 6),
        (["sentiment:(", "-(", "-", ">", "0", "..", ".5", "0..1", ") ", " "], 4),
    ],
)
def test_every_short_text_is_read_again_as_what_it_was_understood_as(
    characters: str | list[str], length: int
) -> None:
    for text in map("".join, itertools.product(characters, repeat=length)):
        if isinstance(found := understood(text), Query):
            check_texts(found.root)


def test_the_normal_form_of_any_letter_with_any_accent_is_normal() -> None:
    everything = list(map(chr, range(0x110000)))
    accents = [each for each in everything if unicodedata.combining(each) and ord(each) < 0x370]
    for letter in everything:
        assert normal(normal(letter)) == normal(letter)
        if letter.lower() != letter:
            for accent in accents:
                assert normal(normal(letter + accent)) == normal(letter + accent)


# Pieces that mean something to this or to another query language, mixed with any characters at all.
_PIECES = re.findall(
    r"\S+",
    'war AND OR NOT , . - -- ( ) " “ : * title: body:( sentiment: sentiment:>0.3 lang:en zzz: & | ! <-> ; % ? \\ '
    "econom* \u2013 a* ' 10:30 covid-19 é İ ΟΔΟΣ ﬁ U.S. S&P \u212a J̌ \u0301 \u037e … -1..1 > 0.5 \x00 \ud800",
)
_TEXTS = st.lists(
    st.one_of(st.sampled_from(_PIECES), st.sampled_from([" ", "  ", "\t", ""]), st.text(max_size=4)),
    max_size=25,
).map("".join)


@given(_TEXTS)
@example("x " * 200)
@example(",-war")
@example("a …-b")
@example("title:,-war")
@example("H̱ello")
def test_any_text_is_understood_or_refused_with_a_position_and_a_working_suggestion(text: str) -> None:
    found = understood(text)
    if isinstance(found, BadQueryError):
        assert 0 <= found.position <= len(text)
        assert found.suggestion is None or parse(found.suggestion)
    else:
        check_texts(found.root)
        assert all(0 <= place < len(text) for place in found.places.values())
