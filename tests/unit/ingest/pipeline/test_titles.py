"""Titles without outlets, authors who are people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.pipeline.titles import byline, without_outlet

TITLES = [
    ("Sun sets on Mars - BBC News", "BBC News", "bbc.co.uk/1", "Sun sets on Mars"),
    ("Sun sets on Mars | CNN", "Example", "cnn.com/1", "Sun sets on Mars"),
    ("Sun sets on Mars - The Indian Express", "Indian Express", "indianexpress.com/1", "Sun sets on Mars"),
    ("Sun sets on Mars | World News - Zee News", "Zee News", "zeenews.india.com/1", "Sun sets on Mars"),
    ("Sun sets | Cricbuzz.com - Cricbuzz - Cricbuzz", "Cricbuzz", "cricbuzz.com/1", "Sun sets"),
    (
        "Sun sets on Mars - Economic Times",
        "The Times of India",
        "economictimes.indiatimes.com/1",
        "Sun sets on Mars",
    ),
    ("Sun sets on Mars - HT Tech", "Hindustan Times", "tech.hindustantimes.com/1", "Sun sets on Mars"),
    ("Sun sets on Mars - NDTV Movies", "NDTV News", "ndtv.com/1", "Sun sets on Mars"),
    ("Sun sets on Mars — Reuters", "Yahoo", "yahoo.com/1", "Sun sets on Mars"),
    (
        "四方安全对话关注中国，未共同谴责 - Wall Street Journal",
        "The Wall Street Journal",
        "cn.wsj.com/1",
        "四方安全对话关注中国，未共同谴责",
    ),
    # Parts of the title itself stay.
    ("Sunak quits - live updates", "The Guardian", "theguardian.com/1", None),
    ("Is it true? | First Dog on the Moon", "The Guardian", "theguardian.com/1", None),
    ("Translating Myself review – the sanctuary of language", "The Guardian", "theguardian.com/1", None),
    (
        "Juan Soto's struggles continue — and so do the Nationals'",
        "The Washington Post",
        "washingtonpost.com/1",
        None,
    ),
    ("Covid-19: what we know", "BBC News", "bbc.co.uk/1", None),
    ("Kohli - Mansoor Khan", "Bollywood Hungama", "bollywoodhungama.com/1", None),
    ("Review - BBC News", "BBC News", "bbc.co.uk/1", None),
    ("BBC News", "BBC News", "bbc.co.uk/1", None),
]


@pytest.mark.parametrize(("title", "source_name", "page", "expected"), TITLES)
def test_the_outlet_goes_and_the_title_stays(title, source_name, page, expected):
    assert without_outlet(title, source_name, page) == (expected or title)


words = st.lists(
    st.sampled_from(["Sun", "sets", "-", "|", "BBC", "News", "–", "Times"]), min_size=1, max_size=8
)


@given(words)
def test_a_title_is_cut_once_and_for_all_and_never_empty(parts):
    cut = without_outlet(" ".join(parts), "BBC News", "bbc.co.uk/1")
    assert cut
    assert without_outlet(cut, "BBC News", "bbc.co.uk/1") == cut


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("By Jane Doe", "Jane Doe"),
        ("by Jane Doe and Bob Byrd, CNN", "Jane Doe and Bob Byrd, CNN"),
        ("Byron Black", "Byron Black"),
        ("https://www.facebook.com/bbcnews", "bbcnews"),
        ("https://twitter.com/@jane", "jane"),
        ("https://www.facebook.com/profile.php", None),
        ("https://www.engadget.com/about/editors/jane-doe", None),
        ("http://[::1", None),
        ("www.example.com", None),
        ("jane@example.com (Jane Doe)", "Jane Doe"),
        ("jane@example.com", None),
        ("[deleted]", None),
        ("null", None),
        ("", None),
        ("--", None),
        ("आनंद राज", "आनंद राज"),
    ],
)
def test_bylines(author, name):
    assert byline(author) == name
