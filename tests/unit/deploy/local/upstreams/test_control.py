"""The control API."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from deploy.local.upstreams import accounts

Call = Callable[..., httpx.Response]
Change = Callable[..., None]
Fault = Callable[..., dict[str, Any]]


def test_health(client: TestClient[Any]) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert all(count > 100 for count in answer.json()["items"].values())


def test_calls_are_counted_without_keys(client: TestClient[Any], newsapi: Call, guardian: Call) -> None:
    newsapi("everything", {}, q="climate", apiKey=accounts.SIMULATOR_NEWSAPI_KEY)
    guardian("search", q="climate")
    body = client.get("/_control/calls", params={"last": 1}).json()
    assert body["counts"] == {"newsapi": 1, "guardian": 1, "reddit": 0, "reddit_token": 0}
    (call,) = body["last"]
    assert (call["source"], call["path"], call["status"]) == ("guardian", "/guardian/search", 200)
    assert (call["limited"], call["fault"]) == (False, None)
    text = client.get("/_control/calls").text
    assert accounts.SIMULATOR_NEWSAPI_KEY not in text
    assert "q=climate" in text
    assert client.delete("/_control/calls").status_code == 200
    assert client.get("/_control/calls").json()["counts"]["newsapi"] == 0


def test_calls_tell_real_limits_from_faults(
    client: TestClient[Any], guardian: Call, settings: Change, fault: Fault
) -> None:
    settings(guardian_per_day=0)
    guardian("search")
    fault("guardian", "status", status=429, times=1)
    guardian("search")
    body = client.get("/_control/calls").json()
    assert [call["limited"] for call in body["last"]] == [True, False]
    assert body["last"][1]["fault"] == "status"
    assert body["limited"]["guardian"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"source": "newsapi", "kind": "gremlins"}),
        ("faults", {"source": "somewhere", "kind": "delay"}),
        ("faults", {"source": "newsapi", "kind": "delay", "minutes": 5}),
        ("settings", {"newsapi_plan": "gold"}),
        ("settings", {"no_such_setting": 1}),
        ("articles", {"source": "reddit_token", "items": []}),
        ("articles", {"source": "newsapi", "items": [{"publishedAt": "yesterday"}]}),
    ],
)
def test_what_cannot_be_read_is_a_400(client: TestClient[Any], path: str, body: dict[str, Any]) -> None:
    answer = client.post(f"/_control/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_settings_are_shown_and_changed(client: TestClient[Any]) -> None:
    assert client.get("/_control/settings").json()["reddit_token_lifetime"] == 86_400
    changed = client.post("/_control/settings", json={"reddit_token_lifetime": 3_600}).json()
    assert changed["reddit_token_lifetime"] == 3_600


def test_added_articles_are_found_at_once(
    client: TestClient[Any], newsapi: Call, guardian: Call, reddit: Call
) -> None:
    assert newsapi("everything", q="xylophone").json()["articles"] == []
    for source, item in (
        ("newsapi", {"title": "Xylophone thefts"}),
        ("guardian", {"webTitle": "Xylophone thefts"}),
        ("reddit", {"title": "Xylophone thefts"}),
    ):
        answer = client.post("/_control/articles", json={"source": source, "items": [item]})
        assert answer.status_code == 201
        assert len(answer.json()["keys"]) == 1
    assert newsapi("everything", q="xylophone").json()["articles"][0]["title"] == "Xylophone thefts"
    assert guardian("search", q="xylophone").json()["response"]["total"] == 1
    assert len(reddit("search", q="xylophone").json()["data"]["children"]) == 1


def test_reset(client: TestClient[Any], newsapi: Call, fault: Fault, settings: Change) -> None:
    fault("newsapi", "status")
    settings(newsapi_budget=0)
    client.post("/_control/articles", json={"source": "newsapi", "items": [{"title": "Xylophone"}]})
    assert client.post("/_control/reset").status_code == 200
    answer = newsapi("everything", q="xylophone")
    assert (answer.status_code, answer.json()["totalResults"]) == (200, 0)
    assert client.get("/_control/faults").json() == {"faults": []}
