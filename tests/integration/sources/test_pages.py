"""What comes out of each source over real HTTP: pages, their end, and the fate of every record."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from ingest.article import Discarded, RawItem
from ingest.ports import Priority, Pull
from shared.errors import QueryRejectedError

SOURCES = ["newsapi", "guardian", "reddit"]


def items(source, pull):
    return [item for page in source.pages(pull) for item in page.items]


def ids(found):
    return [item.external_id or item.url for item in found if isinstance(item, RawItem)]


@pytest.mark.parametrize("name", SOURCES)
def test_every_record_has_a_fate_and_none_is_undecodable(make, pulls, name):
    found = items(make().sources[name], pulls[name])
    assert Counter(type(item).__name__ for item in found).keys() <= {"RawItem", "Discarded"}
    assert len(ids(found)) > 30


@pytest.mark.parametrize("name", SOURCES)
def test_a_reader_costs_each_source_one_request(make, upstreams, interactive, name):
    made = make(NEWSAPI_PLAN="business")
    assert len(list(made.sources[name].pages(interactive))) == 1
    assert upstreams.count(name) == 1
    assert [outcome for _, source, outcome in made.metrics.calls if source == name][-1] == "ok"


@pytest.mark.parametrize("name", ["guardian", "reddit"])
def test_deep_paging_neither_skips_nor_repeats(make, pulls, name, monkeypatch):
    whole = ids(items(make().sources[name], pulls[name]))
    monkeypatch.setattr("ingest.sources.guardian.PAGE_SIZE", dict.fromkeys(Priority, 20))
    monkeypatch.setattr("ingest.sources.reddit.PAGE_SIZE", 20)
    paged = [page.items for page in make().sources[name].pages(pulls[name])]
    assert len(paged) > 3
    found = [key for page in paged for key in ids(page)]
    assert found == whole[: len(found)]


def test_a_paid_newsapi_plan_pages_on(make, upstreams):
    upstreams.change(newsapi_plan="business")
    pull = Pull(kind="query", query="the OR a", max_pages=3)
    paged = list(make(NEWSAPI_PLAN="business").newsapi.pages(pull))
    assert len(paged) > 1
    found = ids([item for page in paged for item in page.items])
    assert len(found) > 100


def test_headlines(make):
    assert ids(items(make().newsapi, Pull(kind="headlines", query="")))
    assert ids(items(make().newsapi, Pull(kind="headlines", query="business")))


def test_windows_of_time_are_passed_on(make):
    now = datetime.now(UTC)
    since, until = now - timedelta(days=3), now - timedelta(days=2)
    for name, kind in (("newsapi", "query"), ("guardian", "query")):
        found = items(make().sources[name], Pull(kind=kind, query="the", since=since, until=until))
        dates = [datetime.fromisoformat(i.published_at) for i in found if isinstance(i, RawItem)]
        assert dates
        assert all(since.replace(microsecond=0) <= date <= until for date in dates)


# The Guardian's simulator ends its endless pages at the first /next; test_pull has the limit for every source.
@pytest.mark.parametrize("name", ["newsapi", "reddit"])
def test_pages_without_end_stop_at_the_limit(make, upstreams, name):
    upstreams.faults(name, "endless")
    upstreams.change(newsapi_plan="business")
    kind, query = ("subreddit", "all") if name == "reddit" else ("query", "the")
    pull = Pull(kind=kind, query=query, max_pages=4)
    assert len(list(make(NEWSAPI_PLAN="business").sources[name].pages(pull))) == 4
    assert upstreams.count(name) == 4


@pytest.mark.parametrize("name", SOURCES)
def test_withdrawn_items_are_not_news(make, upstreams, pulls, name):
    gone = upstreams.faults(name, "withdraw", items=5, how="gone" if name == "guardian" else "removed")
    found = items(make().sources[name], pulls[name])
    assert len(gone) == 5
    assert not set(gone) & set(ids(found))
    reasons = Counter(item.reason for item in found if isinstance(item, Discarded))
    assert name != "newsapi" or reasons["withdrawn"] >= 5  # it leaves placeholders


def test_subreddits_by_name(make):
    reddit = make().reddit
    both = items(reddit, Pull(kind="subreddit", query="worldnews+news"))
    assert {i.source_name for i in both if isinstance(i, RawItem)} == {"r/worldnews", "r/news"}
    assert ids(items(reddit, Pull(kind="subreddit", query="WorldNews")))  # led to its right spelling
    with pytest.raises(QueryRejectedError, match="no such subreddit"):
        items(reddit, Pull(kind="subreddit", query="surelynosuchsubreddit"))


def test_a_malformed_query_is_rejected_with_its_words(make):
    with pytest.raises(QueryRejectedError, match="malformed"):
        items(make().newsapi, Pull(kind="query", query="crypto AND OR"))
