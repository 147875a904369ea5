"""What clients of The Guardian stumble over, the simulator does too: orders, pages, limits, items that move or go."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from litestar.testing import TestClient

Call = Callable[..., httpx.Response]
Change = Callable[..., None]
Fault = Callable[..., dict[str, Any]]
UUID_KEY = "3f2b8c1e-7d4a-4e6f-9b0a-1c2d3e4f5a6b"


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["response"]["results"]
    return found


def message(answer: httpx.Response) -> tuple[int, str]:
    assert answer.json()["response"]["status"] == "error"
    return answer.status_code, answer.json()["response"]["message"]


def test_wrapper_and_gateway_bodies(client: TestClient[Any], guardian: Call) -> None:
    assert set(guardian("search").json()) == {"response"}
    for bad in ({}, {"api-key": "nonsense"}):
        answer = client.get("/guardian/search", params=bad)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert client.get("/guardian/search", params={"api-key": UUID_KEY}).status_code == 200
    assert message(guardian("no/such/thing")) == (404, "The requested resource could not be found.")


def test_default_order_depends_on_q(guardian: Call) -> None:
    newest = guardian("search").json()["response"]
    assert newest["orderBy"] == "newest"
    days = [item["webPublicationDate"] for item in newest["results"]]
    assert days == sorted(days, reverse=True)
    assert guardian("search", q="climate").json()["response"]["orderBy"] == "relevance"
    oldest = [
        item["webPublicationDate"] for item in results(guardian("search", q="climate", order_by="oldest"))
    ]
    assert oldest == sorted(oldest)


def test_next_and_prev(guardian: Call, settings: Change) -> None:
    settings(guardian_per_second=None)
    whole = [item["id"] for item in results(guardian("search", page_size=200))]
    walked = [item["id"] for item in results(guardian("search", page_size=30))]
    while True:
        page = [item["id"] for item in results(guardian(f"content/{walked[-1]}/next", page_size=30))]
        walked += page
        if len(page) < 30:
            break
    assert walked == whole
    back = [item["id"] for item in results(guardian(f"content/{whole[50]}/prev", page_size=20))]
    assert back == whole[30:50]
    assert [item["id"] for item in results(guardian(f"content/{whole[5]}/prev", page_size=20))] == whole[:5]
    assert message(guardian("content/no/such/next"))[0] == 404


def test_next_works_after_a_withdrawn_item(guardian: Call, fault: Fault) -> None:
    whole = [item["id"] for item in results(guardian("search", page_size=50))]
    fault("guardian", "withdraw", keys=[whole[9]])
    page = results(guardian(f"content/{whole[9]}/next", page_size=5))
    assert [item["id"] for item in page] == whole[10:15]


def test_page_beyond_the_end(guardian: Call) -> None:
    pages = guardian("search", q="climate", page_size=5).json()["response"]["pages"]
    assert results(guardian("search", q="climate", page_size=5, page=pages))
    beyond = (400, "requested page is beyond the number of available pages")
    assert message(guardian("search", q="climate", page_size=5, page=pages + 1)) == beyond
    assert results(guardian("search", q="xylophonist")) == []


@pytest.mark.parametrize(("size", "right"), [(0, True), (200, True), (201, False), (-1, False), ("x", False)])
def test_page_size(guardian: Call, size: object, right: bool) -> None:
    answer = guardian("search", page_size=size)
    if right:
        assert len(results(answer)) <= int(str(size))
    else:
        assert message(answer) == (400, "page-size must be an integer between 0 and 200")


def test_fields_are_strings_and_only_the_wanted(guardian: Call) -> None:
    plain = results(guardian("search"))[0]
    assert "fields" not in plain
    assert "tags" not in plain
    wanted = results(guardian("search", show_fields="headline,wordcount,lastModified"))
    assert wanted
    assert all(set(item["fields"]) == {"headline", "wordcount", "lastModified"} for item in wanted)
    everything = results(guardian("search", show_fields="all", show_tags="all", page_size=200))
    assert all(isinstance(value, str) for item in everything for value in item["fields"].values())
    assert {"keyword", "tone", "type"} <= {tag["type"] for item in everything for tag in item["tags"]}
    assert any(item["fields"]["body"] == "" for item in everything)
    assert {"article", "liveblog", "crossword"} <= {item["type"] for item in everything}


def test_moved_items_redirect(client: TestClient[Any], guardian: Call, settings: Change) -> None:
    settings(guardian_per_second=None)
    for item in results(guardian("search", page_size=200)):
        old = item["id"].replace("/20", "/preview/20", 1)
        if (answer := guardian(old)).status_code == 302:
            new = item["id"]
            break
    assert answer.status_code == 302
    assert answer.headers["location"].partition("?")[0].endswith(new)
    followed = client.get(answer.headers["location"], follow_redirects=False)
    assert followed.json()["response"]["content"]["id"] == new


def test_limits_per_second_and_day(guardian: Call, settings: Change) -> None:
    settings(guardian_per_second=None, guardian_per_day=2)
    answers = [guardian("search") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json() == {"message": "API rate limit exceeded"}
    assert answers[0].headers["x-ratelimit-remaining-day"] == "1"
    settings(clock_offset_seconds=86_400)
    assert guardian("search").status_code == 200
    settings(guardian_per_second=1, guardian_per_day=500)
    burst = [guardian("search").status_code for _ in range(6)]
    assert 429 in burst
    assert burst[0] == 200


def test_items_disappear(guardian: Call, fault: Fault, client: TestClient[Any]) -> None:
    first, second = [item["id"] for item in results(guardian("search", page_size=2))]
    fault("guardian", "withdraw", keys=[first])
    fault("guardian", "withdraw", keys=[second], how="gone")
    assert guardian(first).status_code == 404
    assert guardian(second).json()["response"]["content"]["isGone"] is True
    assert not {first, second} & {item["id"] for item in results(guardian("search", page_size=20))}
    client.delete("/_control/faults")
    assert guardian(first).status_code == 200


def test_liveblogs_change(client: TestClient[Any], guardian: Call, settings: Change) -> None:
    blog = "world/live/test/blog"
    add = {"id": blog, "type": "liveblog", "webTitle": "Storm live"}
    client.post("/_control/articles", json={"source": "guardian", "items": [add]})
    before = guardian(blog, show_fields="all").json()["response"]["content"]["fields"]
    settings(clock_offset_seconds=1_000)
    after = guardian(blog, show_fields="all").json()["response"]["content"]["fields"]
    assert after["lastModified"] > before["lastModified"]
    assert len(after["body"]) > len(before["body"])
    assert after["liveBloggingNow"] == "true"
    changed = results(guardian("search", use_date="last-modified", from_date=after["lastModified"]))
    assert blog in [item["id"] for item in changed]


def test_filter_algebra(guardian: Call) -> None:
    def sections(**params: str) -> set[str]:
        return {item["sectionId"] for item in results(guardian("search", page_size=200, **params))}

    assert sections(section="technology|science") == {"technology", "science"}
    assert "politics" not in sections(section="-politics")
    assert sections(tag="environment/climate-crisis,environment/renewable-energy") == {"environment"}
    assert sections(section="world,technology") == set()
    assert {item["type"] for item in results(guardian("search", type="crossword"))} == {"crossword"}


def test_dates(guardian: Call) -> None:
    answer = guardian("search", from_date="2026-13-45")
    assert answer.status_code == 400
    assert message(answer)[1].startswith("Dates must be an ISO8601 date or datetime")
    assert results(guardian("search", from_date="2999-01-01")) == []
    newest = results(guardian("search", page_size=1))[0]["webPublicationDate"]
    assert results(guardian("search", to_date=newest[:10], from_date=newest[:10]))


def test_query_language(guardian: Call) -> None:
    both = {item["id"] for item in results(guardian("search", q="climate AND summit", page_size=50))}
    either = {item["id"] for item in results(guardian("search", q="climate OR ukraine", page_size=50))}
    assert set() < both < either
    assert results(guardian("search", q='"climate summit" AND NOT ukraine'))
    headline = results(guardian("search", q="climate", query_fields="headline", page_size=50))
    assert headline
    assert all("climate" in item["webTitle"].lower() for item in headline)
    ids = [item["id"] for item in headline[:2]]
    assert {item["id"] for item in results(guardian("search", ids=",".join(ids)))} == set(ids)


def test_catalogues_and_their_pages(guardian: Call) -> None:
    tags = guardian("tags", q="ukraine").json()["response"]
    assert "orderBy" not in tags
    assert "world/ukraine" in [tag["id"] for tag in tags["results"]]
    sections = guardian("sections").json()["response"]
    assert set(sections) == {"status", "userTier", "total", "results"}
    assert guardian("editions").json()["response"]["total"] == 5
    page = guardian("world/ukraine").json()["response"]
    assert page["tag"]["id"] == "world/ukraine"
    assert page["results"]
    assert guardian("technology").json()["response"]["section"]["id"] == "technology"


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(size=st.integers(10, 200))
def test_pages_neither_skip_nor_repeat(client: TestClient[Any], size: int) -> None:
    client.post("/_control/settings", json={"guardian_per_second": None, "guardian_per_day": None})
    params: dict[str, Any] = {"api-key": "test", "page-size": size}
    first = client.get("/guardian/search", params=params).json()["response"]
    ids = [item["id"] for item in first["results"]]
    for page in range(2, first["pages"] + 1):
        ids += [
            item["id"] for item in results(client.get("/guardian/search", params={**params, "page": page}))
        ]
    assert len(ids) == len(set(ids)) == first["total"]
