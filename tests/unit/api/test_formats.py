"""Feeds and tables: valid, escaped, and what was put in comes out again."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import formats
from api.formats import Page, atom, json_feed, rss, sheet, table
from api.queries.articles import Article, Mention, Sentiment

ATOM = "{http://www.w3.org/2005/Atom}"
DUBLIN = "{http://purl.org/dc/elements/1.1/}"
AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TONE = Sentiment(polarity=-0.25, subjectivity=0.5, label="negative", confidence=0.75)
ARTICLE = Article(
    id=7, title="Tom & <Jerry>", description='"Quoted" ]]> &amp;', content=None, url="https://x.example/?a=1&b=2",
    source="guardian", source_name="The Guardian", author=None, image_url="https://x.example/p.png", language="en",
    published_at=AT, fetched_at=AT, story_id=3,
    also_in=[Mention(source="reddit", source_name="r/news", url="https://r.example/1", published_at=AT)],
    sentiment=TONE,
)  # fmt: skip
# What PostgreSQL can store: everything but NUL and surrogates.
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60)
pages = st.lists(texts, max_size=4).map(
    lambda titles: page(
        *(msgspec.structs.replace(ARTICLE, title=each, description=each, author=each) for each in titles)
    )
)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def page(*articles, **fields):
    given = {
        "title": "News: a < b", "feed": "https://news.example/articles?q=a&b=c",
        "url": "https://news.example/articles?q=a&b=c&page=2", "home": "https://news.example",
        "next_url": "https://news.example/articles?cursor=x", "updated": AT,
    }  # fmt: skip
    return Page(articles=articles or (ARTICLE,), **{**given, **fields})


def parsed(feed):
    return ET.fromstring(feed)  # noqa: S314 - our own feed


def as_xml(text):
    """What an XML parser makes of it: line ends are normalised, what XML cannot have is replaced."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text).replace("\r\n", "\n").replace("\r", "\n")


def test_rss_has_what_the_standard_wants():
    root = parsed(rss.render(page()))
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    channel = root.find("channel")
    assert [channel.findtext(each) for each in ("title", "link", "description")] == [
        "News: a < b", "https://news.example", "News: a < b",
    ]  # fmt: skip
    item = channel.find("item")
    assert item.findtext("title") == "Tom & <Jerry>"
    assert item.findtext("link") == "https://x.example/?a=1&b=2"
    assert item.findtext("pubDate") == "Sun, 01 Mar 2026 12:30:00 GMT"
    assert item.findtext("description") == '"Quoted" ]]&gt; &amp;amp;'
    assert item.find("guid").get("isPermaLink") == "false"
    assert item.findtext(f"{DUBLIN}creator") == "The Guardian"
    assert item.find("enclosure").attrib == {
        "url": "https://x.example/p.png",
        "length": "0",
        "type": "image/png",
    }
    links = {each.get("rel"): each.get("href") for each in channel.findall(f"{ATOM}link")}
    assert links == {"self": page().url, "next": page().next_url}


def test_atom_has_what_the_standard_wants():
    root = parsed(atom.render(page()))
    assert root.tag == f"{ATOM}feed"
    assert [root.findtext(f"{ATOM}{each}") for each in ("title", "updated")] == [
        "News: a < b",
        "2026-03-01T12:30:00Z",
    ]
    links = {each.get("rel"): each.get("href") for each in root.findall(f"{ATOM}link")}
    assert links == {"self": page().url, "alternate": page().home, "next": page().next_url}
    assert root.findtext(f"{ATOM}id") == page().feed
    entry = root.find(f"{ATOM}entry")
    for required in ("id", "title", "updated"):
        assert entry.findtext(f"{ATOM}{required}")
    assert entry.find(f"{ATOM}author").findtext(f"{ATOM}name") == "The Guardian"
    assert entry.find(f"{ATOM}link").get("href") == "https://x.example/?a=1&b=2"


def test_json_feed_has_what_the_standard_wants():
    feed = json.loads(json_feed.render(page()))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert (feed["feed_url"], feed["next_url"]) == (page().url, page().next_url)
    item = feed["items"][0]
    assert (item["id"], item["content_text"]) == ("urn:newsintel:article:7", '"Quoted" ]]> &amp;')
    assert item["_newsintel"]["sentiment"]["label"] == "negative"
    assert None not in item.values()


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "http:///x", "http://[", "//x", ""]
)
def test_only_web_addresses_become_links(url):
    listed = page(msgspec.structs.replace(ARTICLE, url=url, image_url=url))
    assert parsed(rss.render(listed)).find("channel/item/link") is None
    assert parsed(rss.render(listed)).find("channel/item/enclosure") is None
    entry = parsed(atom.render(listed)).find(f"{ATOM}entry")
    assert entry.find(f"{ATOM}link") is None
    assert entry.findtext(f"{ATOM}content")  # without an alternate link there must be content
    assert "url" not in json.loads(json_feed.render(listed))["items"][0]


@given(pages)
def test_any_text_survives_xml(listed):
    titles = [as_xml(each.title) for each in listed.articles]
    items = parsed(rss.render(listed)).findall("channel/item")
    assert [each.findtext("title") for each in items] == titles
    entries = parsed(atom.render(listed)).findall(f"{ATOM}entry")
    assert [each.findtext(f"{ATOM}title") for each in entries] == titles


@given(pages)
def test_any_text_survives_csv_and_is_never_a_formula(listed):
    text = table.render_csv(listed).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(listed.articles)
    for row, article in zip(rows, listed.articles, strict=True):
        assert row["title"] in {article.title, f"'{article.title}"}
        assert not re.match(r" *[=+\-@\t\r\n]", row["title"])
        assert float(row["polarity"]) == -0.25


@given(pages)
def test_any_text_survives_json_lines(listed):
    lines = table.render_lines(listed).split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["title"] for line in lines] == [each.title for each in listed.articles]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\uff1d1"])
def test_what_a_spreadsheet_would_compute_is_disarmed(text):
    assert sheet.cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["a=1", "", -0.5, None, 7])
def test_everything_else_stays_as_it_is(value):
    assert sheet.cell(value) == value


def test_tables_show_the_fields_that_were_asked_for():
    chosen = page(fields=("id", "sentiment"))
    assert table.render_csv(chosen).decode("utf-8-sig").splitlines() == [
        "id,polarity,subjectivity,label,confidence", "7,-0.25,0.5,negative,0.75",
    ]  # fmt: skip
    assert json.loads(table.render_lines(chosen)) == {"id": 7, "sentiment": msgspec.to_builtins(TONE)}


# What these browsers send for an address that somebody typed.
CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("name", "accept", "chosen"),
    [
        (None, None, "json"),
        (None, "", "json"),
        (None, "*/*", "json"),
        (None, "application/*", "json"),
        (None, "application/rss+xml", "rss"),
        (None, "application/rss+xml;q=0.5, application/json;q=0.4", "rss"),
        (None, "application/atom+xml, application/rss+xml;q=0.9, */*;q=0.1", "atom"),
        (None, "text/html, application/xhtml+xml, */*;q=0.8", "json"),
        (None, CHROME, "json"),
        (None, FIREFOX, "json"),
        (None, "text/html,application/rss+xml;q=0.9,application/xml;q=0.9,*/*;q=0.8", "rss"),
        (None, "text/html,application/xml;q=0.9", "rss"),
        (None, "application/xml", "rss"),
        (None, "application/json;q=0, */*", "rss"),
        (None, "text/*", "rss"),
        (None, "text/csv", "csv"),
        (None, "application/x-ndjson", "jsonl"),
        (None, "application/feed+json;q=x", "jsonfeed"),
        (None, "text/html", None),
        (None, "application/json;q=0", None),
        ("csv", "application/json", "csv"),
    ],
)
def test_the_parameter_decides_then_the_accept_header(name, accept, chosen):
    found = formats.chosen(name, accept)
    assert (found.name if found else None) == chosen
