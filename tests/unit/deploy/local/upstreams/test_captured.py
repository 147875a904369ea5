"""Captured articles: a few written here for the rules, the real files where they are."""

import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from deploy.local.upstreams import captured, dates
from deploy.local.upstreams.shapes import guessed_language

NOW = 1_800_000_000.0


def write(folder: Path, name: str, *rows: dict[str, Any]) -> None:
    with gzip.open(folder / name, "wt") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def article(url: str, at: str) -> dict[str, Any]:
    return {"source": {"id": None, "name": "A"}, "title": "T", "url": url, "publishedAt": at}


def content(item_id: str, at: str) -> dict[str, Any]:
    fields = {"headline": "T", "lastModified": at}
    return {"id": item_id, "sectionId": "world", "webTitle": "T", "webPublicationDate": at, "fields": fields}


def post(name: str, at: float) -> dict[str, Any]:
    return {
        "name": name,
        "title": "T",
        "subreddit": "news",
        "created_utc": at,
        "created": at + 28_800,
        "edited": False,
    }


def test_dates_move_together(tmp_path: Path) -> None:
    write(tmp_path, captured.FILES["newsapi"], article("https://a/1", "2022-05-26T10:00:00Z"))
    write(tmp_path, captured.FILES["guardian"], content("world/1", "2022-05-26T12:00:00Z"))
    write(tmp_path, captured.FILES["reddit"], post("t3_1", 1_000.0), post("t3_2", 5_000.0))
    feeds = captured.load(tmp_path, NOW, keep_dates=False)
    (item,) = feeds.guardian.published(NOW)
    assert item.at == NOW
    assert item.item["fields"]["lastModified"] == dates.iso(NOW)
    (row,) = feeds.newsapi.published(NOW)
    assert row.at == NOW - 7_200
    newest, oldest = feeds.reddit.published(NOW)
    assert (newest.at, newest.item["created"]) == (NOW, NOW + 28_800)
    assert oldest.at == NOW - 4_000
    assert oldest.item["edited"] is False


def test_dates_can_stay_and_files_may_be_missing(tmp_path: Path) -> None:
    write(tmp_path, captured.FILES["newsapi"], article("https://a/1", "2022-05-26T10:00:00Z"))
    feeds = captured.load(tmp_path, NOW, keep_dates=True)
    (row,) = feeds.newsapi.published(NOW)
    assert row.item["publishedAt"] == "2022-05-26T10:00:00Z"
    assert len(feeds.guardian) == len(feeds.reddit) == 0


def test_one_address_twice_stays_two_articles(tmp_path: Path) -> None:
    rows = [article("https://a/1", "2022-05-26T10:00:00Z"), article("https://a/1", "2022-05-26T11:00:00Z")]
    write(tmp_path, captured.FILES["newsapi"], *rows)
    assert len(list(captured.load(tmp_path, NOW, keep_dates=True).newsapi.published(NOW))) == 2


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The council voted for the plan after a long debate", "en"),
        ("Der Gipfel ist nach zwei Nächten mit einer Einigung zu Ende gegangen", "de"),
        ("Le sommet sur le climat triple l'aide aux pays les plus pauvres", "fr"),
        ("La sequía deja sin agua a los pueblos del sur y las ciudades", "es"),
        ("गर्लफ्रेंड के चक्कर में पढ़े-लिखे बन गए चोर", "hi"),
        ("Выборы прошли спокойно", "ru"),
        ("2-1", "en"),
    ],
)
def test_language_is_guessed(text: str, language: str) -> None:
    assert guessed_language(text) == language


@pytest.mark.payloads
def test_real_files_can_be_pulled_whole_and_fresh(captured_client: TestClient[Any]) -> None:
    expected = captured_client.get("/health").json()["items"]
    assert expected == {"newsapi": 2_722, "guardian": 1_000, "reddit": 405}
    key = {"x-api-key": "a" * 32}
    pulled: list[dict[str, Any]] = []
    for page in range(1, 40):
        params: dict[str, Any] = {"country": "us", "pageSize": 100, "page": page}
        rows = captured_client.get("/newsapi/v2/top-headlines", params=params, headers=key).json()["articles"]
        if not rows:
            break
        pulled += rows
    assert len(pulled) == expected["newsapi"]
    assert abs(time.time() - datetime.fromisoformat(pulled[0]["publishedAt"]).timestamp()) < 3_600
    assert datetime.now(UTC) - datetime.fromisoformat(pulled[-1]["publishedAt"]) < timedelta(days=6)


@pytest.mark.payloads
def test_real_guardian_items_walk_to_the_end(captured_client: TestClient[Any]) -> None:
    captured_client.post("/_control/settings", json={"guardian_per_second": None})
    params = {
        "api-key": "test",
        "page-size": 200,
        "show-fields": "headline,trailText,body,byline,lastModified",
    }
    page = captured_client.get("/guardian/search", params=params).json()["response"]["results"]
    ids = [item["id"] for item in page]
    while len(page) == 200:
        page = captured_client.get(f"/guardian/content/{ids[-1]}/next", params=params).json()["response"][
            "results"
        ]
        ids += [item["id"] for item in page]
    assert len(ids) == len(set(ids)) == 1_000


@pytest.mark.payloads
@pytest.mark.parametrize(
    "category", ["business", "technology", "sports", "health", "science", "entertainment"]
)
def test_real_articles_have_a_category_by_their_words(
    captured_client: TestClient[Any], category: str
) -> None:
    params = {"category": category}
    answer = captured_client.get("/newsapi/v2/top-headlines", params=params, headers={"x-api-key": "a" * 32})
    assert 10 < answer.json()["totalResults"] < 1_500


@pytest.mark.payloads
def test_plan_follows_the_articles(captured_client: TestClient[Any]) -> None:
    assert captured_client.get("/_control/settings").json()["newsapi_plan"] == "business"
