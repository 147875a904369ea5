"""Addresses: one page has one identity however it is linked; the link stays one that works."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.pipeline.errors import UnusableError
from ingest.pipeline.urls import MAX_LENGTH, locate, web_link

SAME_PAGE = [
    [
        "https://www.bbc.co.uk/news/world-1",
        "http://bbc.co.uk/news/world-1/",
        "https://m.bbc.co.uk/news/world-1",
    ],
    ["https://www.bbc.co.uk/news/world-1", "HTTPS://WWW.BBC.CO.UK:443/news/world-1#comments"],
    [
        "https://www.bbc.co.uk/news/world-1",
        "https://www.bbc.co.uk/news/world-1?at_medium=RSS&at_campaign=KARANGA",
    ],
    [
        "https://ex.org/a",
        "https://amp.ex.org/a",
        "https://ex.org/a/amp",
        "https://ex.org/a/amp/",
        "https://ex.org/amp/a",
    ],
    [
        "https://ex.org/a",
        "https://www.google.com/amp/s/ex.org/a",
        "https://ex-org.cdn.ampproject.org/c/s/ex.org/a",
    ],
    [
        "https://ex.org/a?b=1&c=2",
        "https://ex.org/a?c=2&b=1",
        "https://ex.org/a?c=2&amp;b=1&utm_source=x&fbclid=y",
    ],
    ["https://ex.org/%7euser/%c3%bc", "https://ex.org/~user/ü", "https://ex.org/%7Euser/%C3%BC"],
    ["https://ex.org/", "https://ex.org", "http://www.ex.org/index.html"],
    ["https://en.wikipedia.org/wiki/News", "https://en.m.wikipedia.org/wiki/News"],
    ["http://bücher.example/", "https://xn--bcher-kva.example"],
    ["https://ex.org/a?v=1", " https://user:secret@ex.org./a?v=1&CMP=share_btn_tw "],
]
OTHER_PAGE = [
    ("https://ex.org/a", "https://ex.org/b"),
    ("https://ex.org/a?id=1", "https://ex.org/a?id=2"),
    ("https://ex.org/a", "https://ex.org/A"),
    ("https://ex.org/a", "https://ex.org:8080/a"),
    ("https://ex.org/a", "https://news.ex.org/a"),
    ("https://youtube.com/watch?v=1&feature=share", "https://youtube.com/watch?v=2&feature=share"),
]
NO_PAGE = [
    None,
    "",
    "  ",
    "ftp://ex.org/a",
    "javascript:alert(1)",
    "/r/news/1",
    "//ex.org/a",
    "https://",
    "http://[::1",
]
NO_PAGE += [
    "https://ex.org:99999/",
    "https://ex ample.org/",
    "http://h/\ud800",
    "https://ex.org/" + "a" * MAX_LENGTH,
]


@pytest.mark.parametrize("urls", SAME_PAGE)
def test_one_page_however_it_is_linked(urls):
    assert len({locate(url).page for url in urls}) == 1


@pytest.mark.parametrize(("one", "other"), OTHER_PAGE)
def test_different_pages_stay_different(one, other):
    assert locate(one).page != locate(other).page


@pytest.mark.parametrize("url", NO_PAGE)
def test_what_names_no_page_is_refused(url):
    with pytest.raises(UnusableError) as refused:
        locate(url)
    assert refused.value.reason == "bad_url"


def test_the_link_keeps_its_scheme_and_host_so_that_it_works():
    assert locate("http://www.ex.org/a/?utm_source=x#top").link == "http://www.ex.org/a/"
    assert locate("http://[2001:db8::1]:8080/a").link == "http://[2001:db8::1]:8080/a"


hosts = st.sampled_from(
    ["ex.org", "www.ex.org", "m.www.ex.org", "amp.ex.org", "www.co.uk", "bücher.example", "1.2.3.4"]
)
pieces = st.text(st.sampled_from("aB/%é&=?;#+~.:@ '\"<>,-_ż日7\\|{}[]"), max_size=25)


@given(st.sampled_from(["http", "https", "HTTP"]), hosts, pieces, pieces)
@example("http", "ex.org", "/amp/amp/amp/", "amp=1")
@example("http", "ex.org", ";/", "")
@example("http", "ex.org", ".;//", "")
@example("http", "ex.org", "a;[b/amp", "")
@example("http", "ex.org", "amp/amp/a", "")
def test_a_canonical_address_is_canonical(scheme, host, path, query):
    try:
        first = locate(f"{scheme}://{host}/{path}?{query}")
    except UnusableError:
        return
    assert locate(first.link) == first
    assert locate(f"https://{first.page}").page == first.page


@given(st.text(max_size=60))
def test_no_address_is_a_surprise(url):
    for start in ("http", "https://"):
        with contextlib.suppress(UnusableError):
            locate(f"{start}{url}")


@pytest.mark.parametrize(
    ("url", "image"),
    [
        ("https://i.ex.org/a.jpg?w=1&amp;h=2", "https://i.ex.org/a.jpg?w=1&h=2"),
        ("//i.ex.org/a.jpg", "https://i.ex.org/a.jpg"),
        ("self", None),
        ("default", None),
        ("", None),
        (None, None),
        ("data:image/png;base64,AAAA", None),
        ("https://i.ex.org/a b.jpg", None),
        ("https://[::1/a", None),
        ("https://i.ex.org/" + "a" * MAX_LENGTH, None),
    ],
)
def test_an_image_has_a_web_address(url, image):
    assert web_link(url) == image
