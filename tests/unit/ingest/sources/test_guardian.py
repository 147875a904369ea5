import gzip
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ingest.article import Discarded, Quarantined, RawItem
from ingest.ports import Priority, Pull
from ingest.sources.budget import Observed
from ingest.sources.guardian import Guardian, observed
from shared.errors import (
    BadAnswerError,
    KeyRefusedError,
    NotConfiguredError,
    QueryRejectedError,
    RateLimitedError,
    UnreachableError,
)

CONTENT = {
    "id": "world/2026/mar/01/volcano",
    "type": "liveblog",
    "webPublicationDate": "2026-03-01T10:00:00Z",
    "webTitle": "Volcano: live",
    "webUrl": "https://www.theguardian.com/world/2026/mar/01/volcano",
    "fields": {
        "headline": "Volcano erupts: live",
        "trailText": "<strong>Live</strong>",
        "body": "<p>Body</p>",
        "byline": "A Reporter",
        "thumbnail": "https://media.example/1.jpg",
        "lastModified": "2026-03-01T11:00:00Z",
        "lang": "en",
    },
}
ALL = Pull(kind="section", query="", max_pages=9)


@pytest.fixture
def make(settings, scripted, clock):
    def source(*answers, **changed):
        caller = scripted(*answers)
        return Guardian(msgspec.structs.replace(settings, **changed), caller, clock), caller

    return source


def results(*items):
    return {"response": {"status": "ok", "total": 5, "results": list(items)}}


def fetch(source, pull=ALL):
    return source.fetch(source.first(pull), pull.priority)


def test_a_search_is_always_newest_first_with_all_fields(make):
    request = make()[0].first(
        Pull(
            kind="query",
            query="volcano",
            since=datetime(2026, 2, 1, tzinfo=UTC),
            until=datetime(2026, 2, 2, tzinfo=UTC),
            language="en",
        )
    )
    assert request.url.endswith("/search")
    assert request.params == {
        "q": "volcano",
        "order-by": "newest",
        "page-size": "200",
        "show-fields": "headline,trailText,body,byline,thumbnail,lastModified,lang",
        "from-date": "2026-02-01T00:00:00Z",
        "to-date": "2026-02-02T00:00:00Z",
    }


def test_a_section_or_everything(make):
    source, _ = make()
    assert "section" not in source.first(ALL).params
    assert source.first(Pull(kind="section", query="world")).params["section"] == "world"


def test_a_reader_gets_a_smaller_page_and_another_language_is_a_filter(make):
    request = make()[0].first(Pull(kind="query", query="q", language="fr", priority=Priority.INTERACTIVE))
    assert (request.params["page-size"], request.params["lang"]) == ("50", "fr")


@pytest.mark.parametrize("pull", [Pull(kind="query", query=" "), Pull(kind="headlines", query="")])
def test_what_it_cannot_answer_costs_no_call(make, pull):
    with pytest.raises(QueryRejectedError):
        make()[0].first(pull)


def test_without_a_key_it_says_which_setting_is_missing(make):
    with pytest.raises(NotConfiguredError, match="NEWSINTEL_GUARDIAN_KEY"):
        make(guardian_key="")[0].first(ALL)


def test_paging_goes_on_from_the_last_item_with_the_same_parameters(make, answers):
    items = [{**CONTENT, "id": f"world/{n}"} for n in range(200)]
    source, _ = make(answers(results(*items)))
    request = source.following(ALL, fetch(source), number=1)
    assert request.url.endswith("/content/world/199/next")
    assert request.params == source.first(ALL).params


def test_an_item_without_a_readable_id_is_passed_over(make, answers):
    items = [{**CONTENT, "id": "a?b"}, *[{"id": 5}] * 199]
    source, _ = make(answers(results(*items)))
    assert source.following(ALL, fetch(source), number=1).url.endswith("/content/a%3Fb/next")
    source, _ = make(answers(results(*[{"id": 5}] * 200)))
    assert source.following(ALL, fetch(source), number=1) is None


def test_a_short_page_is_the_end(make, answers):
    source, _ = make(answers(results(CONTENT)))
    assert source.following(ALL, fetch(source), number=1) is None


def error(message, status):
    return {"body": {"response": {"status": "error", "message": message}}, "status": status}


def test_a_page_past_the_end_is_an_empty_one(make, answers):
    source, _ = make(answers(**error("requested page is beyond the number of available pages", 400)))
    batch = fetch(source)
    assert (batch.records, source.following(ALL, batch, number=1)) == ([], None)


@pytest.mark.parametrize(
    ("body", "status", "expected", "says"),
    [
        ({"message": "Unauthorized"}, 401, KeyRefusedError, "refuses the key: Unauthorized"),
        ({"message": "Forbidden"}, 403, KeyRefusedError, "Forbidden"),
        (b"<html>", 401, KeyRefusedError, "401"),
        ({"message": "API rate limit exceeded"}, 429, RateLimitedError, "429"),
        (error("page-size must be an integer", 400)["body"], 400, QueryRejectedError, "page-size must be"),
        (error("The requested resource could not be found.", 404)["body"], 404, BadAnswerError, "404"),
        (b"<html>oops", 418, BadAnswerError, "without saying why"),
        (b"", 504, UnreachableError, "504"),
        (b"<html>hello", 200, BadAnswerError, "HTML"),
        ({"response": {"status": "ok"}}, 200, BadAnswerError, "not as agreed"),
        ({"response": {"status": "ok", "results": {}}}, 200, BadAnswerError, "not as agreed"),
    ],
)
def test_each_of_its_errors_has_a_type_and_its_own_words(make, answers, body, status, expected, says):
    source, _ = make(answers(body, status=status))
    with pytest.raises(expected, match=says):
        fetch(source)


def test_a_moved_item_is_followed_once_on_the_same_host_without_repeating_the_key(make, answers):
    source, caller = make(
        answers(status=302, location="/content/new/next?api-key=SECRET&x=1"), answers(results(CONTENT))
    )
    assert len(fetch(source).records) == 1
    first, second = caller.requests
    assert second.url == "https://content.guardianapis.com/content/new/next"
    assert second.params == first.params


@pytest.mark.parametrize(
    ("locations", "says"),
    [(["https://evil.example/search"], "another host: evil.example"), (["/a", "/b"], "again and again")],
)
def test_a_redirect_elsewhere_or_in_circles_is_a_bad_answer(make, answers, locations, says):
    source, _ = make(*[answers(status=302, location=location) for location in locations])
    with pytest.raises(BadAnswerError, match=says):
        fetch(source)


def test_the_gateways_headers_are_read(clock):
    headers = {
        "x-ratelimit-remaining-day": "12",
        "x-ratelimit-remaining-minute": "0",
        "x-ratelimit-remaining-second": "0",
    }
    now = clock() + timedelta(seconds=20)
    assert list(observed(headers, now)) == [
        Observed(window="day", left=12, ends_at=datetime(2026, 3, 2, tzinfo=UTC)),
        Observed(window="minute", left=0, ends_at=datetime(2026, 3, 1, 12, 1, tzinfo=UTC)),
    ]
    assert list(observed({"x-ratelimit-remaining-day": "many"}, now)) == []


def outcome(make, record):
    return make()[0].outcome(msgspec.Raw(msgspec.json.encode(record)))


def test_an_item_with_its_fields_as_sent(make):
    assert outcome(make, CONTENT) == RawItem(
        source="guardian",
        external_id="world/2026/mar/01/volcano",
        url="https://www.theguardian.com/world/2026/mar/01/volcano",
        title="Volcano erupts: live",
        description="<strong>Live</strong>",
        content="<p>Body</p>",
        author="A Reporter",
        source_name="The Guardian",
        image_url="https://media.example/1.jpg",
        language="en",
        published_at="2026-03-01T10:00:00Z",
        modified_at="2026-03-01T11:00:00Z",
        original=msgspec.json.encode(CONTENT),
    )


def test_what_the_fields_lack_comes_from_the_item(make):
    item = outcome(make, {**CONTENT, "fields": None})
    assert (item.title, item.language, item.content) == ("Volcano: live", "en", None)
    assert outcome(make, {**CONTENT, "fields": {"lang": "fr"}}).language == "fr"


@pytest.mark.parametrize("flag", ["isGone", "isExpired"])
def test_a_withdrawn_item_is_discarded(make, flag):
    assert outcome(make, {**CONTENT, flag: True}) == Discarded(source="guardian", reason="withdrawn")


def test_wrong_types_are_quarantined(make):
    assert isinstance(outcome(make, {**CONTENT, "webTitle": 1}), Quarantined)
    assert isinstance(outcome(make, {**CONTENT, "fields": []}), Quarantined)


@pytest.mark.payloads
def test_every_captured_result_is_an_item(make, payloads):
    with gzip.open(payloads / "guardian-results.jsonl.gz") as lines:
        found = [make()[0].outcome(line) for line in lines]
    assert len(found) == 1000
    assert not [item for item in found if not isinstance(item, RawItem)]
