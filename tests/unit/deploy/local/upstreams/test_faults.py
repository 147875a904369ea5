"""Every kind of fault, on every source that can have it."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from deploy.local.upstreams.faults import Fault, Faults

Call = Callable[..., httpx.Response]
Add = Callable[..., dict[str, Any]]


def rows(source: str, answer: httpx.Response) -> Any:
    body = answer.json()
    if source == "newsapi":
        return body["articles"]
    if source == "guardian":
        return body["response"]["results"]
    return [child["data"] for child in body["data"]["children"]]


@pytest.fixture
def ask(newsapi: Call, guardian: Call, reddit: Call) -> Callable[..., httpx.Response]:
    def call(source: str, page: int = 1) -> httpx.Response:
        if source == "newsapi":
            return newsapi("everything", q="climate", pageSize=10, page=page)
        if source == "guardian":
            return guardian("search", q="climate", page=page, show_fields="headline")
        return reddit("r/all/new", limit=10)

    return call


SOURCES = ["newsapi", "guardian", "reddit"]


def test_a_fault_is_used_up_and_minds_its_path() -> None:
    faults = Faults()
    faults.add(Fault(source="newsapi", kind="status", times=2, match="everything"))
    assert faults.meeting("newsapi", "/newsapi/v2/top-headlines") == []
    assert faults.meeting("guardian", "/guardian/everything") == []
    assert [len(faults.meeting("newsapi", "/newsapi/v2/everything")) for _ in range(3)] == [1, 1, 0]
    assert faults.pending() == []


@pytest.mark.parametrize("source", SOURCES)
def test_status(ask: Call, fault: Add, client: TestClient[Any], source: str) -> None:
    fault(source, "status", status=429, retry_after=7)
    answer = ask(source)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    client.delete("/_control/faults", params={"source": source})
    assert ask(source).status_code == 200


def test_status_on_the_token_endpoint(token: Call, fault: Add) -> None:
    fault("reddit_token", "status", status=502, times=1)
    assert token(grant_type="client_credentials").status_code == 502
    assert token(grant_type="client_credentials").status_code == 200


def test_delay(ask: Call, fault: Add) -> None:
    fault("guardian", "delay", min_ms=120, max_ms=140, times=1)
    start = time.perf_counter()
    assert ask("guardian").status_code == 200
    assert time.perf_counter() - start >= 0.12


@pytest.mark.parametrize("source", SOURCES)
def test_truncate(ask: Call, fault: Add, source: str) -> None:
    fault(source, "truncate", times=1)
    answer = ask(source)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json()


@pytest.mark.parametrize("source", SOURCES)
def test_html(ask: Call, fault: Add, source: str) -> None:
    fault(source, "html", times=1)
    answer = ask(source)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!doctype html>")


@pytest.mark.parametrize("source", SOURCES)
def test_huge(ask: Call, fault: Add, source: str) -> None:
    fault(source, "huge", times=1)
    answer = ask(source)
    assert len(answer.content) > 10 * 1024 * 1024
    assert rows(source, answer)


@pytest.mark.parametrize("source", SOURCES)
def test_wrong_types(ask: Call, fault: Add, source: str) -> None:
    title = "webTitle" if source == "guardian" else "title"
    fault(source, "wrong_types", items=2, times=1)
    titles = [row[title] for row in rows(source, ask(source))]
    assert [isinstance(value, str) for value in titles[:3]] == [False, False, True]
    fault(source, "wrong_types", where="container", times=1)
    body = ask(source).json()
    holder = {"newsapi": body, "guardian": body.get("response"), "reddit": body.get("data")}[source]
    name = {"newsapi": "articles", "guardian": "results", "reddit": "children"}[source]
    assert isinstance(holder[name], dict)


@pytest.mark.parametrize("source", SOURCES)
def test_nulls(ask: Call, fault: Add, source: str) -> None:
    title = "webTitle" if source == "guardian" else "title"
    fault(source, "nulls", items=None, fields=[title], times=1)
    assert {row[title] for row in rows(source, ask(source))} == {None}


@pytest.mark.parametrize("source", SOURCES)
def test_endless(ask: Call, fault: Add, source: str) -> None:
    fault(source, "endless")
    key = {"newsapi": "url", "guardian": "id", "reddit": "name"}[source]
    seen = [row[key] for page in (1, 2, 500) for row in rows(source, ask(source, page))]
    assert len(seen) == len(set(seen)) == 30


def test_withdraw_newest(newsapi: Call, fault: Add, client: TestClient[Any]) -> None:
    before = newsapi("everything", q="climate").json()["articles"]
    withdrawn = fault("newsapi", "withdraw", keys=[before[0]["url"]])["withdrawn"]
    assert withdrawn == [before[0]["url"]]
    after = newsapi("everything", q="climate").json()["articles"]
    assert (after[0]["title"], after[0]["url"]) == ("[Removed]", "https://removed.com")
    assert len(after) == len(before)
    assert len(fault("newsapi", "withdraw", items=3)["withdrawn"]) == 3
    client.delete("/_control/faults")
    assert newsapi("everything", q="climate").json()["articles"] == before
