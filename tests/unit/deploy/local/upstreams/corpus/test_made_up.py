"""The made-up news: enough of it, deterministic, fresh, and with the oddities of real feeds."""

import time
from collections import Counter
from typing import Any

import pytest

from deploy.local.upstreams.corpus import made_up, story
from deploy.local.upstreams.query import matches, parse
from deploy.local.upstreams.state import Feeds

NOW = time.time()
DAY = 86_400


@pytest.fixture(scope="module")
def feeds() -> Feeds:
    return made_up.feeds(1, NOW)


def items(feeds: Feeds, source: str) -> list[dict[str, Any]]:
    return [entry.item for entry in feeds.of(source).published(NOW)]


def test_stories_are_well_formed() -> None:
    stories = story.read_all()
    assert len(stories) > 65
    assert len({one.id for one in stories}) == len(stories)
    assert all(one.titles and one.body for one in stories)


def test_there_is_enough_of_everything(feeds: Feeds) -> None:
    counts = {source: len(items(feeds, source)) for source in ("newsapi", "guardian", "reddit")}
    assert 300 <= counts["newsapi"] + counts["guardian"] + counts["reddit"] <= 900
    assert min(counts.values()) > 100


@pytest.mark.parametrize("word", ["climate", "election", "ukraine", "ai", "hospital", "football"])
@pytest.mark.parametrize("source", ["newsapi", "guardian", "reddit"])
def test_words_that_a_visitor_tries(feeds: Feeds, word: str, source: str) -> None:
    node = parse(word)
    assert any(matches(node, entry.words) for entry in feeds.of(source).published(NOW))


def test_fresh_and_a_week_deep(feeds: Feeds) -> None:
    for source in ("newsapi", "guardian", "reddit"):
        ages = [NOW - entry.at for entry in feeds.of(source).published(NOW)]
        assert min(ages) < 2 * 3_600, source
        assert 5 * DAY < max(ages) < 8 * DAY, source


def test_news_goes_on_for_a_day(feeds: Feeds) -> None:
    later = list(feeds.newsapi.published(NOW + DAY))
    assert len(later) > len(items(feeds, "newsapi")) + 10


def test_the_same_seed_makes_the_same_news() -> None:
    one, two = made_up.feeds(5, NOW), made_up.feeds(5, NOW)
    for source in ("newsapi", "guardian", "reddit"):
        assert items(one, source) == items(two, source)
    assert items(made_up.feeds(6, NOW), "newsapi") != items(one, "newsapi")


def test_several_outlets_tell_one_story(feeds: Feeds) -> None:
    titles = [item["title"] for item in items(feeds, "newsapi") if item["title"]]
    told = [title for title in titles if title.startswith("Central bank cuts interest rates")]
    assert len(told) >= 3
    assert any(" - " in title for title in told)


def test_posts_share_the_same_articles(feeds: Feeds) -> None:
    known = {item["url"] for item in items(feeds, "newsapi")} | {
        item["webUrl"] for item in items(feeds, "guardian")
    }
    shared = [item["url"] for item in items(feeds, "reddit") if item["url"].partition("?")[0] in known]
    assert len(shared) > 60
    assert any("?" in url for url in shared)


def test_series_differ_in_a_number(feeds: Feeds) -> None:
    days = [item["webTitle"] for item in items(feeds, "guardian") if "in Ukraine" in item["webTitle"]]
    assert len(days) == len(set(days)) >= 5
    crosswords = [item["webTitle"] for item in items(feeds, "guardian") if item["type"] == "crossword"]
    assert len(crosswords) == len(set(crosswords)) >= 12


def test_languages(feeds: Feeds) -> None:
    languages = Counter(entry.facets["language"] for entry in feeds.newsapi.published(NOW))
    assert {"en", "de", "fr", "es", "hi"} == set(languages)


def test_keys_are_unique(feeds: Feeds) -> None:
    for source in ("newsapi", "guardian", "reddit"):
        keys = [entry.key for entry in feeds.of(source).published(NOW + 2 * DAY)]
        assert len(keys) == len(set(keys)) == len(feeds.of(source))
