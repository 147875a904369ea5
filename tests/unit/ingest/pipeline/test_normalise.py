"""RawItem → Article, or a named fate."""

import msgspec
import pytest

from ingest.article import Article, Discarded, Quarantined, ScoredArticle
from ingest.pipeline import normalise as module
from ingest.pipeline import run
from ingest.pipeline.normalise import completeness, normalise
from tests.items import NOW, from_newsapi, raw

FULL = {
    "title": "Sun sets on Mars &amp; Venus - The Guardian",
    "description": "<p>It was <b>seen</b> from Earth.</p>",
    "content": "The sun went down. " * 100,
    "author": "By Jane Doe",
    "image_url": "//i.guim.co.uk/1.jpg",
    "modified_at": "2026-03-01T10:00:00Z",
}


def article(item) -> Article:
    made = normalise(item, NOW)
    assert isinstance(made, Article), made
    return made


def test_a_whole_item():
    made = article(raw(**FULL))
    assert made.title == "Sun sets on Mars & Venus"
    assert made.description == "It was seen from Earth."
    assert made.author == "Jane Doe"
    assert made.image_url == "https://i.guim.co.uk/1.jpg"
    assert made.language == "en"
    assert made.published_at.isoformat() == "2026-03-01T09:00:00+00:00"
    assert made.modified_at.isoformat() == "2026-03-01T10:00:00+00:00"
    assert made.completeness == 100
    assert made.url == made.shown_at
    assert made.title_key == "sun sets on mars venus"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"title": None}, "no_title"),
        ({"title": " <b></b> — "}, "no_title"),
        ({"url": None}, "bad_url"),
        ({"url": "/r/news"}, "bad_url"),
        ({"published_at": None}, "bad_date"),
        ({"published_at": "1970-01-01T00:00:00Z"}, "bad_date"),
    ],
)
def test_what_cannot_be_understood_is_kept_under_a_name(fields, reason):
    item = raw(**fields)
    fate = normalise(item, NOW)
    assert isinstance(fate, Quarantined)
    assert (fate.source, fate.reason, fate.original) == (item.source, reason, item.original)


def test_an_error_that_nobody_foresaw_is_the_items_fate(monkeypatch):
    monkeypatch.setattr(module.text, "plain", lambda *_, **__: 1 / 0)
    fate = normalise(raw(), NOW)
    assert isinstance(fate, Quarantined)
    assert (fate.reason, fate.detail) == ("failed", "ZeroDivisionError: division by zero")


def test_an_error_of_scoring_is_the_items_fate(monkeypatch):
    monkeypatch.setattr(run, "score", lambda _: 1 / 0)
    fate = run.prepare(raw(), NOW)
    assert isinstance(fate, Quarantined)
    assert fate.reason == "failed"


def test_fates_pass_through():
    gone = Discarded(source="reddit", reason="over_18")
    assert run.prepare(gone, NOW) is gone
    assert isinstance(run.prepare(raw(), NOW), ScoredArticle)
    assert isinstance(run.prepare(raw(None), NOW), Quarantined)


def test_without_an_id_the_page_is_the_id():
    assert (
        article(from_newsapi("A title here", "http://www.ex.org/a/?utm_source=x")).external_id == "ex.org/a"
    )


def test_without_an_outlet_the_host_is_the_outlet():
    assert article(raw(source_name=None)).source_name == "theguardian.com"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "Sun sets on Mars &amp; Venus!"),
        ("description", "<ol><li>Other headline\xa0\xa0CNN</li></ol>"),
        ("content", "Copyright © 2022 Example Limited"),
        ("content", "Sun sets on Mars & Venus"),
        ("content", "<p> </p>"),
        ("author", "https://example.org/jane"),
        ("image_url", "self"),
    ],
)
def test_what_says_nothing_is_nothing(field, value):
    assert getattr(article(raw(**FULL | {field: value})), field) is None


def test_a_wrong_date_of_change_is_no_reason_to_lose_an_article():
    assert article(raw(modified_at="soon")).modified_at == article(raw()).published_at
    assert article(raw(modified_at="2020-01-01")).modified_at == article(raw()).published_at


def test_content_is_capped():
    assert len(article(raw(content="word " * 50_000)).content) <= module.MAX_CONTENT


def test_completeness_counts_what_is_there():
    made = article(raw(**FULL))
    bare = msgspec.structs.replace(
        made, content=None, description=None, author=None, image_url=None, language=None
    )
    assert completeness(bare) == 0
    assert completeness(msgspec.structs.replace(bare, content="short")) == 25
    assert completeness(msgspec.structs.replace(bare, content="x" * 300)) == 40


def test_versions_differ_by_what_readers_see():
    item = raw(**FULL)
    assert article(item).digest == article(item).digest
    assert article(item).digest != article(msgspec.structs.replace(item, author="Bob")).digest
    assert article(item).digest < 1 << 63
