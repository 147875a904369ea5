from datetime import timedelta

import msgspec
import pytest

from ingest.ports import Priority, Pull
from ingest.sources.budget import Observed
from ingest.sources.reddit import Reddit, observed
from shared.errors import (
    BadAnswerError,
    KeyRefusedError,
    NotConfiguredError,
    QueryRejectedError,
    RateLimitedError,
    UnreachableError,
)

NEWS = Pull(kind="subreddit", query="news+worldnews", max_pages=9)
UNAUTHORIZED = {"message": "Unauthorized", "error": 401}


class Purse:
    """Stands in for Tokens: hands out numbered tokens."""

    def __init__(self):
        self.given = 1

    def bearer(self, _priority, *, instead_of=None):
        if instead_of == f"token-{self.given}":
            self.given += 1
        return f"token-{self.given}"


@pytest.fixture
def make(settings, scripted, clock):
    def source(*answers, **changed):
        caller = scripted(*answers)
        return Reddit(msgspec.structs.replace(settings, **changed), caller, Purse(), clock), caller

    return source


def listing(*children, after=None):
    return {"kind": "Listing", "data": {"after": after, "dist": len(children), "children": list(children)}}


def fetch(source, pull=NEWS):
    return source.fetch(source.first(pull), pull.priority)


def test_subreddits_are_listed_newest_first_with_a_bearer_token(make, answers):
    source, caller = make(answers(listing()))
    fetch(source)
    (request,) = caller.requests
    assert request.url == "https://oauth.reddit.com/r/news+worldnews/new"
    assert request.params == {"limit": "100", "raw_json": "1"}
    assert request.headers == {"Authorization": "bearer token-1"}


def test_a_query_is_searched_newest_first_among_links(make):
    request = make()[0].first(Pull(kind="query", query=" volcano "))
    assert request.url == "https://oauth.reddit.com/search"
    assert request.params == {"q": "volcano", "sort": "new", "type": "link", "limit": "100", "raw_json": "1"}


def test_a_subreddits_name_cannot_leave_its_place_in_the_path(make):
    assert (
        make()[0]
        .first(Pull(kind="subreddit", query="../api/v1/me"))
        .url.endswith("/r/..%2Fapi%2Fv1%2Fme/new")
    )


@pytest.mark.parametrize(
    "pull",
    [
        Pull(kind="query", query=" "),
        Pull(kind="query", query="x" * 513),
        Pull(kind="subreddit", query=""),
        Pull(kind="headlines", query="a"),
    ],
)
def test_what_it_cannot_answer_costs_no_call(make, pull):
    with pytest.raises(QueryRejectedError):
        make()[0].first(pull)


def test_without_a_client_it_says_which_settings_are_missing(make):
    with pytest.raises(NotConfiguredError, match="NEWSINTEL_REDDIT_CLIENT_ID"):
        make(reddit_client_id="", reddit_client_secret="")[0].first(NEWS)


def test_paging_goes_on_after_the_last_post(make, answers):
    source, _ = make(answers(listing({"kind": "t3", "data": {}}, after="t3_z")))
    request = source.following(NEWS, fetch(source), number=1)
    assert request.params["after"] == "t3_z"


@pytest.mark.parametrize("page", [listing({"kind": "t3", "data": {}}), listing(after="t3_z")])
def test_no_cursor_or_an_empty_page_is_the_end(make, answers, page):
    source, _ = make(answers(page))
    assert source.following(NEWS, fetch(source), number=1) is None


def test_a_refused_token_is_renewed_once_and_the_call_repeated(make, answers):
    source, caller = make(answers(UNAUTHORIZED, status=401), answers(listing()))
    fetch(source)
    assert [r.headers["Authorization"] for r in caller.requests] == ["bearer token-1", "bearer token-2"]


def test_a_new_token_that_is_refused_too_is_a_refused_key(make, answers):
    source, caller = make(answers(UNAUTHORIZED, status=401), answers(UNAUTHORIZED, status=401))
    with pytest.raises(KeyRefusedError, match="401"):
        fetch(source)
    assert len(caller.requests) == 2


def test_another_spelling_of_the_name_is_followed(make, answers):
    source, caller = make(answers(status=301, location="/r/News/new"), answers(listing()))
    fetch(source)
    assert caller.requests[1].url == "https://oauth.reddit.com/r/News/new"
    assert caller.requests[1].headers == caller.requests[0].headers


BLOCK = b"<html><body>You've been blocked by network security.</body></html>"


@pytest.mark.parametrize(
    ("body", "status", "headers", "expected", "says"),
    [
        (b"", 302, {"location": "/subreddits/search?q=nope"}, QueryRejectedError, "no such subreddit"),
        (BLOCK, 403, {"content_type": "text/html"}, KeyRefusedError, "network security.*User-Agent"),
        (
            {"message": "Forbidden", "error": 403},
            403,
            {"www_authenticate": 'Bearer realm="reddit", error="insufficient_scope"'},
            KeyRefusedError,
            "scope",
        ),
        ({"message": "Forbidden", "reason": "private"}, 403, {}, QueryRejectedError, "private"),
        ({"message": "Not Found", "reason": "banned"}, 404, {}, QueryRejectedError, "banned"),
        (b"", 404, {}, QueryRejectedError, "404"),
        ({"explanation": "bad limit", "message": "Bad Request"}, 400, {}, QueryRejectedError, "bad limit"),
        (b"Error: URI Too Long", 414, {"retry_after": "0"}, BadAnswerError, "414"),
        (b"<html><title>Too Many Requests", 429, {"retry_after": "99"}, RateLimitedError, "429"),
        (b"", 503, {}, UnreachableError, "503"),
        (b'{"kind":"Listing","data":{"after":"t3_', 200, {}, BadAnswerError, "not as agreed"),
        ({"kind": "Listing", "data": {"children": {}}}, 200, {}, BadAnswerError, "not as agreed"),
        (b"<html>", 200, {}, BadAnswerError, "HTML"),
    ],
)
def test_each_of_its_errors_has_a_type_and_words(make, answers, body, status, headers, expected, says):
    source, _ = make(answers(body, status=status, **headers))
    with pytest.raises(expected, match=says):
        fetch(source)


def test_its_records_go_to_reddit_post(make):
    assert make()[0].outcome(b'{"kind":"t1","data":{}}').reason == "not_a_post"


def test_what_it_says_is_left_is_read(clock):
    now = clock()
    headers = {"x-ratelimit-remaining": "997.0", "x-ratelimit-reset": "247", "x-ratelimit-used": "3"}
    assert list(observed(headers, now)) == [
        Observed(window="10 minutes", left=997, ends_at=now + timedelta(seconds=248))
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-remaining": "5.0"},
        {"x-ratelimit-remaining": "many", "x-ratelimit-reset": "1"},
        {"x-ratelimit-remaining": "nan", "x-ratelimit-reset": "1"},
        {"x-ratelimit-remaining": "inf", "x-ratelimit-reset": "1"},
        {"x-ratelimit-remaining": "5", "x-ratelimit-reset": "1e99"},
    ],
)
def test_headers_that_say_nothing_are_passed_over(clock, headers):
    assert list(observed(headers, clock())) == []


def test_interactive_work_asks_for_a_whole_page_too(make):
    pull = Pull(kind="query", query="q", priority=Priority.INTERACTIVE)
    assert make()[0].first(pull).params["limit"] == "100"
