"""Plain text out of whatever upstreams send."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.pipeline.text import is_headline_list, is_junk, line, plain

CASES = [
    (None, ""),
    ("", ""),
    ("  a\r\n b\tc  ", "a\nb c"),
    ("<p>One.</p><p>Two <b>bold</b>.</p>", "One.\n\nTwo bold."),
    ("a<br>b<br/>c", "a\n\nb\n\nc"),
    ("<ul><li>one</li><li>two</li></ul>", "one\n\ntwo"),
    ("<p>kept</p><script>alert('x')</script><style>p{}</style><!-- gone -->", "kept"),
    ("AT&amp;T &amp;amp; S&amp;P &quot;500&quot;", 'AT&T & S&P "500"'),
    ("&lt;p&gt;escaped&lt;/p&gt;", "escaped"),
    ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ("x &lt; y", "x < y"),
    ("India#39;s men&#39;s", "India's men's"),
    ("cut here… [+1234 chars]", "cut here"),
    ("cut here... [+12 chars] ", "cut here"),
    ("a\x00b\x07c\ud83dd\u200be\ufefff\u202eg\xadh", "abcdefgh"),
    ("क\u094d\u200dष", "क\u094d\u200dष"),
    ("Cafe\u0301", "Café"),
    ("one\u2028two\x85three", "one\ntwo\nthree"),
    ("a\n\n\n\n\nb", "a\n\nb"),
    ("hard\u00a0space", "hard space"),
]


@pytest.mark.parametrize(("raw", "expected"), CASES)
def test_plain(raw, expected):
    assert plain(raw, limit=1_000) == expected


def test_text_ends_at_the_limit():
    assert plain("abc def", limit=4) == "abc"


def test_a_line_has_no_breaks():
    assert line("<p>One</p>\r\n<p>Two</p>", limit=100) == "One Two"


@given(st.text(st.sampled_from("ab <>/&;p#39ampltgt\"'\r\n\x00\u200b\ud800é!-"), max_size=60))
def test_plain_text_is_plain(raw):
    once = plain(raw, limit=1_000)
    assert plain(once, limit=1_000) == once
    assert not set(once) & set("\x00\r\u200b\ud800")


@given(st.text(max_size=200))
def test_any_text_has_a_plain_form(raw):
    plain(raw, limit=100).encode()


@pytest.mark.parametrize(
    "bomb", ["<div>" * 100_000, "&amp;" + "amp;" * 100_000, "<" * 300_000, " \n" * 300_000]
)
def test_hostile_text_takes_no_long_time(bomb):
    begin = time.perf_counter()
    plain(bomb, limit=100)
    assert time.perf_counter() - begin < 2


def test_lists_of_other_headlines_are_recognised():
    assert is_headline_list("<ol><li>One\xa0\xa0BBC</li>\r\n<li>Two\xa0\xa0CNN</li></ol>")
    assert not is_headline_list("<p>An <ol> is a list.</p>")
    assert not is_headline_list(None)


@pytest.mark.parametrize(
    ("text", "junk"),
    [
        ("Copyright © 2022 Living Media India Limited. For reprint rights: Syndications Today", True),
        ("Top Sections\nExplore Tech\nCopyright © HT Media Limited All rights reserved.", True),
        (". , . . . . - 11 . , , . . .", True),
        ("-20 . 2-1 . (IPL) , , .", True),
        ("प्रयागराज में पुलिस ने बाइक चोरों के", False),
        ("Copyright law is to change, the minister said.", False),
        ("The pound fell 1.2 % to $1.25 on Monday.", False),
    ],
)
def test_texts_that_say_nothing(text, junk):
    assert is_junk(text) is junk
