import gzip
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from ingest.article import Discarded, Quarantined, RawItem
from ingest.ports import Priority, Pull
from ingest.sources.newsapi import NewsApi
from shared.errors import (
    BadAnswerError,
    KeyRefusedError,
    NotConfiguredError,
    PlanLimitError,
    QueryRejectedError,
    RateLimitedError,
    UnreachableError,
)

ARTICLE = {
    "source": {"id": None, "name": "heise online"},
    "author": None,
    "title": "Title - heise online",
    "description": "",
    "url": "https://heise.example/1",
    "urlToImage": None,
    "publishedAt": "2020-08-29T00:41:37Z",
    "content": "first 200 chars\r\n… [+1752 chars]",
}
REMOVED = {
    "source": {"id": None, "name": "[Removed]"},
    "author": None,
    "title": "[Removed]",
    "description": "[Removed]",
    "url": "https://removed.com",
    "urlToImage": None,
    "publishedAt": "1970-01-01T00:00:00Z",
    "content": "[Removed]",
}


@pytest.fixture
def make(settings, scripted, clock):
    def source(*answers, **changed):
        caller = scripted(*answers)
        return NewsApi(msgspec.structs.replace(settings, **changed), caller, clock), caller

    return source


def params(source, **pull):
    return source.first(Pull(**{"kind": "query", "query": "volcano", **pull})).params


def test_a_query_asks_for_everything_newest_first(make):
    source, _ = make()
    request = source.first(
        Pull(
            kind="query",
            query=" volcano ",
            language="de",
            since=datetime(2026, 2, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            until=datetime(2026, 2, 2, tzinfo=UTC),
        )
    )
    assert request.url.endswith("/v2/everything")
    assert request.params == {
        "q": "volcano",
        "language": "de",
        "sortBy": "publishedAt",
        "from": "2026-02-01T00:00:00",
        "to": "2026-02-02T00:00:00",
        "pageSize": "100",
        "page": "1",
    }


def test_headlines_are_of_a_category_or_of_the_one_country_that_is_left(make):
    source, _ = make()
    assert params(source, kind="headlines", query="")["country"] == "us"
    science = params(source, kind="headlines", query="science")
    assert science == {"category": "science", "pageSize": "100", "page": "1"}


@pytest.mark.parametrize(
    ("pull", "says"),
    [
        ({"query": "  "}, "needs words"),
        ({"query": "x" * 501}, "at most 500 characters, not 501"),
        ({"language": "ja"}, "no articles in 'ja'"),
        ({"kind": "headlines", "query": "gardening"}, "no category 'gardening'"),
        ({"kind": "subreddit"}, "only 'query' and 'headlines'"),
    ],
)
def test_what_it_would_refuse_anyway_costs_no_call(make, pull, says):
    source, caller = make()
    with pytest.raises(QueryRejectedError, match=says):
        params(source, **pull)
    assert caller.requests == []


def test_without_a_key_it_says_which_setting_is_missing(make):
    with pytest.raises(NotConfiguredError, match="NEWSINTEL_NEWSAPI_KEY"):
        params(make(newsapi_key="")[0])


def follow(source, records, total, number=1):
    pull = Pull(kind="query", query="q", max_pages=9)
    batch = source.fetch(source.first(pull), Priority.CADENCE)
    assert (len(batch.records), batch.total) == (records, total)
    return source.following(pull, batch, number=number)


def page(records, total):
    return {"status": "ok", "totalResults": total, "articles": [ARTICLE] * records}


def test_a_developer_key_never_asks_past_100_results(make, answers):
    assert follow(make(answers(page(100, 5000)))[0], 100, 5000) is None


@pytest.mark.parametrize(
    ("records", "total", "number", "following"),
    [(100, 250, 1, "2"), (100, 250, 2, "3"), (100, 200, 2, None), (99, 5000, 1, None), (0, 61, 1, None)],
)
def test_a_paid_key_pages_until_a_short_page_or_the_total(make, answers, records, total, number, following):
    source, _ = make(answers(page(records, total)), newsapi_plan="business")
    request = follow(source, records, total, number)
    assert (request and request.params["page"]) == following


def test_a_backfill_goes_past_a_second_that_fills_a_page_until_its_window_ends(make, answers):
    source, _ = make(*[answers(page(100, 5000))] * 2)
    second = datetime(2020, 8, 29, 0, 41, 37, tzinfo=UTC)
    pull = Pull(
        kind="query", query="q", since=second - timedelta(1), until=second, priority=Priority.BACKFILL
    )
    batch = source.fetch(source.first(pull), pull.priority)
    following = source.following(pull, batch, number=1)
    assert following.params["to"] == batch.cursor == "2020-08-29T00:41:36"
    begins_there = msgspec.structs.replace(pull, since=second)
    assert source.following(begins_there, batch, number=1) is None


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, "apiKeyMissing", KeyRefusedError),
        (401, "apiKeyInvalid", KeyRefusedError),
        (401, "apiKeyDisabled", KeyRefusedError),
        (429, "apiKeyExhausted", RateLimitedError),
        (429, "rateLimited", RateLimitedError),
        (400, "parametersMissing", QueryRejectedError),
        (400, "parametersIncompatible", QueryRejectedError),
        (422, "parametersIncompatible", QueryRejectedError),
        (400, "parameterInvalid", QueryRejectedError),
        (426, "parameterInvalid", PlanLimitError),
        (426, "maximumResultsReached", PlanLimitError),
        (426, "corsNotAllowed", PlanLimitError),
        (400, "queryMalformed", QueryRejectedError),
        (400, "queryTooLong", QueryRejectedError),
        (400, "sourcesTooMany", QueryRejectedError),
        (400, "sourceDoesNotExist", QueryRejectedError),
        (400, "pageCannotBeLessThanOne", QueryRejectedError),
        (500, "unexpectedError", UnreachableError),
    ],
)
def test_each_of_its_errors_has_a_type_and_its_own_words(make, answers, status, code, error):
    source, _ = make(answers({"status": "error", "code": code, "message": "Its own words."}, status=status))
    with pytest.raises(error) as caught:
        source.fetch(source.first(Pull(kind="query", query="q")), Priority.CADENCE)
    assert type(caught.value) is error
    if status < 500:
        assert f"{code}: Its own words." in str(caught.value)


def test_a_spent_allowance_is_asked_for_again_after_an_hour_or_when_it_says(make, answers, clock):
    spent = {"status": "error", "code": "rateLimited", "message": ""}
    source, _ = make(answers(spent, status=429), answers(spent, status=429, retry_after="9"))
    for wait in (timedelta(hours=1), timedelta(seconds=9)):
        with pytest.raises(RateLimitedError) as caught:
            source.fetch(source.first(Pull(kind="query", query="q")), Priority.CADENCE)
        assert caught.value.retry_at == clock() + wait


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"<html>Just a moment</html>", 403, BadAnswerError),
        (b"<html>Just a moment</html>", 200, BadAnswerError),
        (b"\xff", 400, BadAnswerError),
        (b"<html>slow down</html>", 429, RateLimitedError),
        (b"", 502, UnreachableError),
        (b'{"status":"ok","totalResults":3,"articles":[{"ti', 200, BadAnswerError),
        (b'{"status":"ok","totalResults":3,"articles":{}}', 200, BadAnswerError),
        (b'{"status":"error","code":"unexpectedError"}', 200, BadAnswerError),
    ],
)
def test_anything_else_is_typed_too(make, answers, body, status, error):
    source, _ = make(answers(body, status=status))
    with pytest.raises(error):
        source.fetch(source.first(Pull(kind="query", query="q")), Priority.CADENCE)


def outcome(make, record):
    return make()[0].outcome(msgspec.Raw(msgspec.json.encode(record)))


def test_an_article_becomes_an_item_with_its_fields_as_sent(make):
    item = outcome(make, ARTICLE)
    assert item == RawItem(
        source="newsapi",
        external_id=None,
        url="https://heise.example/1",
        title="Title - heise online",
        description="",
        content="first 200 chars\r\n… [+1752 chars]",
        source_name="heise online",
        published_at="2020-08-29T00:41:37Z",
        original=msgspec.json.encode(ARTICLE),
    )
    assert type(item.original) is bytes


@pytest.mark.parametrize(
    "gone", [REMOVED, {**ARTICLE, "title": "[Removed]"}, {**ARTICLE, "url": "https://removed.com/"}]
)
def test_a_withdrawn_article_is_discarded(make, gone):
    assert outcome(make, gone) == Discarded(source="newsapi", reason="withdrawn")


def test_nulls_pass_and_wrong_types_are_quarantined(make):
    assert isinstance(outcome(make, dict.fromkeys(ARTICLE)), RawItem)
    assert isinstance(outcome(make, {}), RawItem)
    assert isinstance(outcome(make, {**ARTICLE, "title": 5}), Quarantined)
    assert isinstance(outcome(make, {**ARTICLE, "publishedAt": 1_700_000_000}), Quarantined)


@pytest.mark.payloads
def test_every_captured_article_is_an_item(make, payloads):
    with gzip.open(payloads / "newsapi-articles.jsonl.gz") as lines:
        found = [make()[0].outcome(line) for line in lines]
    assert len(found) == 2722
    assert not [item for item in found if not isinstance(item, RawItem)]
