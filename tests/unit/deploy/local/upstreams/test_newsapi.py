"""What clients of NewsAPI stumble over, the simulator does too: keys, limits, odd values, removed rows."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from deploy.local.upstreams import accounts

Call = Callable[..., httpx.Response]
Change = Callable[..., None]
KEY = accounts.SIMULATOR_NEWSAPI_KEY


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.json()["status"] == "error"
    return answer.status_code, answer.json()["code"]


def test_query_key_beats_header_key(newsapi: Call) -> None:
    assert newsapi("everything", {"x-api-key": "bad"}, q="climate", apiKey=KEY).status_code == 200
    assert code(newsapi("everything", {"x-api-key": KEY}, q="climate", apiKey="bad")) == (
        401,
        "apiKeyInvalid",
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (401, "apiKeyMissing")),
        ({"x-api-key": ""}, (401, "apiKeyInvalid")),
        ({"authorization": "Bearer nonsense"}, (401, "apiKeyInvalid")),
        ({"x-api-key": accounts.SIMULATOR_NEWSAPI_DISABLED_KEY}, (401, "apiKeyDisabled")),
        ({"x-api-key": accounts.SIMULATOR_NEWSAPI_EXHAUSTED_KEY}, (429, "apiKeyExhausted")),
    ],
)
def test_bad_keys(newsapi: Call, headers: dict[str, str], expected: tuple[int, str]) -> None:
    assert code(newsapi("everything", headers, q="climate")) == expected


@pytest.mark.parametrize(
    "header", [{"x-api-key": KEY}, {"authorization": KEY}, {"authorization": f"Bearer {KEY}"}]
)
def test_three_ways_to_send_a_key(newsapi: Call, header: dict[str, str]) -> None:
    assert newsapi("everything", header, q="climate").status_code == 200


def test_default_page_sizes(newsapi: Call) -> None:
    assert len(newsapi("everything", q="-zebra").json()["articles"]) == 100
    assert len(newsapi("top-headlines", country="us").json()["articles"]) == 20


def test_426_too_many_results_too_old(newsapi: Call) -> None:
    answer = newsapi("everything", q="the", page=2, pageSize=90)
    assert code(answer) == (426, "maximumResultsReached")
    assert "max of 100 results. You are trying to request results 90 to 180." in answer.json()["message"]
    answer = newsapi("everything", **{"q": "the", "from": "2019-01-01"})
    assert code(answer) == (426, "parameterInvalid")
    assert "but you have requested 2019-01-01." in answer.json()["message"]


def test_no_cap_on_the_business_plan(newsapi: Call, settings: Change) -> None:
    settings(newsapi_plan="business")
    assert newsapi("everything", q="the", page=2, pageSize=100).status_code == 200
    past_the_end = newsapi("everything", q="the", page=999, pageSize=100)
    assert past_the_end.json()["articles"] == []


def test_page_below_one_prints_the_page_size(newsapi: Call) -> None:
    answer = newsapi("everything", q="the", page=0, pageSize=20)
    assert code(answer) == (400, "pageCannotBeLessThanOne")
    assert answer.json()["message"] == "The page parameter cannot be less than 1. You have requested 20."
    assert newsapi("everything", q="the", page="x").json()["message"] == "The request is invalid."
    assert newsapi("everything", q="the", pageSize=-1).json()["message"].startswith("The pageSize parameter")


def test_bad_values_that_are_ignored_or_empty(newsapi: Call) -> None:
    normal = newsapi("everything", q="climate").json()
    for ignored in ({"sortBy": "magic"}, {"from": "2025-13-01"}, {"excludeDomains": "%%"}):
        assert newsapi("everything", **{"q": "climate", **ignored}).json() == normal
    assert newsapi("everything", q="climate", language="xx").json()["articles"] == []
    today = datetime.now(UTC)
    upside_down = {"from": today.date().isoformat(), "to": (today - timedelta(days=2)).date().isoformat()}
    assert newsapi("everything", **{"q": "climate", **upside_down}).json()["totalResults"] == 0


def test_removed_rows(newsapi: Call, settings: Change) -> None:
    settings(newsapi_plan="business")
    rows = [
        row for page in range(1, 6) for row in newsapi("everything", q="-zebra", page=page).json()["articles"]
    ]
    removed = [row for row in rows if row["title"] == "[Removed]"]
    assert len(removed) > 3
    assert all(row["url"] == "https://removed.com" for row in removed)
    assert all(row["publishedAt"] == "1970-01-01T00:00:00Z" for row in removed)
    assert all(row["source"] == {"id": None, "name": "[Removed]"} for row in removed)


def test_total_drifts_above_what_can_be_paged(newsapi: Call, settings: Change) -> None:
    settings(newsapi_plan="business")
    first = newsapi("top-headlines", country="us", pageSize=100).json()
    paged = 0
    for page in range(1, 20):
        paged += len(newsapi("top-headlines", country="us", pageSize=100, page=page).json()["articles"])
    assert paged < first["totalResults"] == paged + 4
    settings(newsapi_total_drift=0)
    assert newsapi("top-headlines", country="us", pageSize=100).json()["totalResults"] == paged


def test_shape_nulls_and_empty_texts(newsapi: Call, settings: Change) -> None:
    settings(newsapi_plan="business")
    rows = [
        row for page in range(1, 6) for row in newsapi("everything", q="-zebra", page=page).json()["articles"]
    ]
    keys = {"source", "author", "title", "description", "url", "urlToImage", "publishedAt", "content"}
    assert all(set(row) == keys and set(row["source"]) == {"id", "name"} for row in rows)
    for name in ("author", "description", "urlToImage", "content", "title"):
        assert any(row[name] is None for row in rows), name
    assert any(row["description"] == "" for row in rows)
    assert any(row["title"] == "" for row in rows)
    assert any((row["author"] or "").startswith("https://") for row in rows)
    assert any("\r\n" in (row["content"] or "") and row["content"].endswith(" chars]") for row in rows)
    assert any(
        "&amp;" in f"{row['title']}{row['description']}" or "&#x27;" in f"{row['title']}" for row in rows
    )
    assert any((row["title"] or "").endswith(" - Northern Courier") for row in rows)


def test_half_day_budget_of_fifty_without_headers(newsapi: Call, settings: Change) -> None:
    settings(newsapi_budget=50)
    answers = [newsapi("everything", q="climate") for _ in range(51)]
    assert {answer.status_code for answer in answers[:50]} == {200}
    assert code(answers[50]) == (429, "rateLimited")
    assert "50 requests available every 12 hours" in answers[50].json()["message"]
    assert not [name for name in answers[50].headers if "ratelimit" in name or name == "retry-after"]
    assert newsapi("everything", {"x-api-key": "a" * 32}, q="climate").status_code == 200
    settings(clock_offset_seconds=43_200)
    assert newsapi("everything", q="climate").status_code == 200


def test_refused_keys_cost_nothing(newsapi: Call, settings: Change) -> None:
    settings(newsapi_budget=1)
    newsapi("everything", {}, q="climate")
    assert newsapi("everything", q="climate").status_code == 200
    assert newsapi("everything", q="climate").status_code == 429


def test_cache_headers(newsapi: Call, settings: Change) -> None:
    first = newsapi("everything", q="climate")
    assert first.headers["x-cached-result"] == "false"
    assert "x-cache-remaining" not in first.headers
    again = newsapi("everything", q="climate")
    assert again.headers["x-cached-result"] == "true"
    assert again.headers["x-cache-remaining"] == "99"
    assert again.headers["x-cache-expires"].endswith("GMT")
    assert again.content == first.content
    assert again.headers["cache-control"] == "no-cache"
    fresh = newsapi("everything", {"x-api-key": KEY, "x-no-cache": "true"}, q="climate")
    assert fresh.headers["x-cached-result"] == "false"
    settings(clock_offset_seconds=301)
    assert newsapi("everything", q="climate").headers["x-cached-result"] == "false"


def test_browsers_elsewhere_are_refused(newsapi: Call, settings: Change) -> None:
    origin = {"x-api-key": KEY, "origin": "https://news.example"}
    assert code(newsapi("everything", origin, q="climate")) == (426, "corsNotAllowed")
    local = {"x-api-key": KEY, "origin": "http://localhost:3000"}
    assert newsapi("everything", local, q="climate").status_code == 200
    settings(newsapi_plan="business")
    assert newsapi("everything", origin, q="climate").status_code == 200


def test_day_old_articles_when_switched_on(newsapi: Call, settings: Change) -> None:
    def newest() -> datetime:
        shown = newsapi("everything", q="-zebra").json()["articles"]
        return max(datetime.fromisoformat(row["publishedAt"]) for row in shown)

    assert datetime.now(UTC) - newest() < timedelta(hours=2)
    settings(newsapi_delay_seconds=86_400)
    assert timedelta(hours=24) <= datetime.now(UTC) - newest() < timedelta(hours=28)


def test_other_countries_have_no_rows(newsapi: Call) -> None:
    answer = newsapi("top-headlines", country="de")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "totalResults": 0, "articles": []})


@pytest.mark.parametrize("query", ["crypto AND OR", "bitcoin AND", "(crypto", "crypto)"])
def test_malformed_query(newsapi: Call, query: str) -> None:
    answer = newsapi("everything", q=query)
    assert code(answer) == (400, "queryMalformed")
    assert "doesn't end with the OR or AND keyword." in answer.json()["message"]


def test_too_long_a_query(newsapi: Call) -> None:
    answer = newsapi("everything", q="a" * 501)
    assert code(answer) == (400, "queryTooLong")
    assert answer.json()["message"].startswith("Your query is too long (501 chars).")


def test_missing_and_mixed_parameters(newsapi: Call) -> None:
    assert code(newsapi("everything", **{"from": "2026-11-01"})) == (400, "parametersMissing")
    assert code(newsapi("top-headlines")) == (400, "parametersMissing")
    assert code(newsapi("top-headlines", sources="meridian-wire", country="us")) == (
        400,
        "parametersIncompatible",
    )
    assert "You have entered 'invalid'" in newsapi("everything", q="a", searchIn="invalid").json()["message"]
    assert code(newsapi("everything", sources=",".join("abcdefghijklmnopqrstu"))) == (400, "sourcesTooMany")
    assert code(newsapi("everything", sources="nobody")) == (400, "sourceDoesNotExist")


def test_filters(newsapi: Call) -> None:
    of_one = newsapi("everything", sources="meridian-wire").json()["articles"]
    assert "Meridian Wire" in {row["source"]["name"] for row in of_one} <= {"Meridian Wire", "[Removed]"}
    domains = newsapi("everything", domains="coastline.example").json()["articles"]
    assert domains
    assert all("coastline.example" in row["url"] or row["title"] == "[Removed]" for row in domains)
    german = newsapi("everything", q="Klimagipfel", language="de").json()["articles"]
    assert [row["source"]["name"] for row in german] == ["Elbe Kurier"]
    assert newsapi("everything", q="बाढ़").json()["totalResults"] == 1
    in_title = newsapi("everything", q="climate", searchIn="title").json()["articles"]
    assert in_title
    assert all("climate" in row["title"].lower() for row in in_title if row["title"] != "[Removed]")
    sports = newsapi("top-headlines", category="sports").json()
    assert 0 < sports["totalResults"] < newsapi("top-headlines", category="general").json()["totalResults"]


def test_newest_first(newsapi: Call) -> None:
    rows = [
        row for row in newsapi("everything", q="-zebra").json()["articles"] if row["title"] != "[Removed]"
    ]
    assert [row["publishedAt"] for row in rows] == sorted((row["publishedAt"] for row in rows), reverse=True)


@pytest.mark.parametrize("path", ["top-headlines/sources", "sources"])
def test_sources(newsapi: Call, path: str) -> None:
    body = newsapi(path, language="de").json()
    assert [outlet["id"] for outlet in body["sources"]] == ["elbe-kurier"]
    assert set(body) == {"status", "sources"}
    assert set(body["sources"][0]) == {"id", "name", "description", "url", "category", "language", "country"}


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(size=st.integers(7, 100))
def test_pages_neither_skip_nor_repeat(client: TestClient[Any], size: int) -> None:
    client.post("/_control/settings", json={"newsapi_plan": "business"})
    whole, page = [], 1
    while True:
        params: dict[str, Any] = {"q": "climate OR ukraine OR election", "pageSize": size, "page": page}
        rows = client.get("/newsapi/v2/everything", params=params, headers={"x-api-key": KEY}).json()[
            "articles"
        ]
        if not rows:
            break
        whole += [row["url"] for row in rows if row["title"] != "[Removed]"]
        page += 1
    assert len(whole) == len(set(whole)) > 40
