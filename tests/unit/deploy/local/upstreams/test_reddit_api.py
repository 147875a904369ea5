"""What clients of Reddit's API stumble over, the simulator does too: budgets, block pages, pages that end, shapes."""

from collections.abc import Callable
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
Fault = Callable[..., dict[str, Any]]
Basic = Callable[..., dict[str, str]]


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [child["data"]["name"] for child in answer.json()["data"]["children"]]


def walk(reddit: Call, path: str, **params: Any) -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = []
    after = None
    while True:
        data = reddit(path, **params, **({"after": after} if after else {})).json()["data"]
        posts += [child["data"] for child in data["children"]]
        after = data["after"]
        if after is None:
            return posts


def test_www_authenticate(reddit: Call, token: Call) -> None:
    answer = reddit("new", bearer="nonsense")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized", "error": 401})
    assert answer.headers["www-authenticate"] == 'Bearer realm="reddit", error="invalid_token"'
    narrow = token(grant_type="client_credentials", scope="identity").json()["access_token"]
    answer = reddit("new", bearer=narrow)
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden", "error": 403})
    assert answer.headers["www-authenticate"] == 'Bearer realm="reddit", error="insufficient_scope"'


def test_budget_headers_and_slices(reddit: Call, settings: Change, token: Call, basic: Basic) -> None:
    first, second = reddit("new"), reddit("new")
    assert (first.headers["x-ratelimit-used"], first.headers["x-ratelimit-remaining"]) == ("1", "999.0")
    assert second.headers["x-ratelimit-remaining"] == "998.0"
    assert 0 < int(first.headers["x-ratelimit-reset"]) <= 600
    settings(reddit_limit=1)
    assert [reddit("new").status_code for _ in range(2)] == [200, 429]
    another = token(grant_type="client_credentials").json()["access_token"]
    assert reddit("new", bearer=another).status_code == 429, "one budget for all tokens of a client"
    other = basic(accounts.SIMULATOR_REDDIT_OTHER_CLIENT_ID, accounts.SIMULATOR_REDDIT_OTHER_CLIENT_SECRET)
    foreign = token(headers=other, grant_type="client_credentials").json()["access_token"]
    assert reddit("new", bearer=foreign).status_code == 200
    settings(clock_offset_seconds=600)
    assert reddit("new").status_code == 200


def test_429_is_html_with_retry_after(reddit: Call, settings: Change) -> None:
    settings(reddit_limit=0)
    answer = reddit("new")
    assert answer.status_code == 429
    assert answer.headers["content-type"].startswith("text/html")
    assert "<title>Too Many Requests" in answer.text
    assert 0 < int(answer.headers["retry-after"]) <= 600


@pytest.mark.parametrize(
    "agent", ["", "python-httpx/0.28.1", "python-requests/2.32", "curl/8.1", "Python-urllib/3.11"]
)
def test_block_page(client: TestClient[Any], token: Call, agent: str) -> None:
    bearer = token(grant_type="client_credentials").json()["access_token"]
    headers = {"user-agent": agent, "authorization": f"bearer {bearer}"}
    answer = client.get("/reddit/oauth/r/news/new", headers=headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "blocked by network security" in answer.text


def test_no_token(client: TestClient[Any]) -> None:
    answer = client.get("/reddit/oauth/r/news/new")
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("limit", "shown"), [(None, 25), ("0", 1), ("-3", 1), ("7", 7), ("500", 100), ("many", 25)]
)
def test_limit_is_clamped(reddit: Call, limit: str | None, shown: int) -> None:
    assert len(names(reddit("r/all/new", **({"limit": limit} if limit else {})))) == shown


def test_after_before_count(reddit: Call) -> None:
    first = reddit("r/all/new", limit=10).json()["data"]
    assert first["before"] is None
    assert first["dist"] == 10
    second = reddit("r/all/new", limit=10, after=first["after"])
    assert second.json()["data"]["before"] is None
    counted = reddit("r/all/new", limit=10, after=first["after"], count=10).json()["data"]
    assert counted["before"] == names(second)[0]
    back = reddit("r/all/new", limit=10, before=counted["before"])
    assert names(back) == [child["data"]["name"] for child in first["children"]]


def test_a_thousand_items_and_no_more(client: TestClient[Any], reddit: Call) -> None:
    items = [{"title": f"Post {number}", "url": f"https://x.example/{number}"} for number in range(1_100)]
    client.post("/_control/articles", json={"source": "reddit", "items": items})
    assert len(walk(reddit, "r/all/new", limit=100)) == 1_000


def test_raw_json(client: TestClient[Any], reddit: Call) -> None:
    item = {"title": "Fish & chips <now>", "id": "fish1", "subreddit": "food"}
    client.post("/_control/articles", json={"source": "reddit", "items": [item]})
    titles = [
        reddit("r/food/new", **params).json()["data"]["children"][0]["data"]["title"]
        for params in ({}, {"raw_json": "1"})
    ]
    assert titles == ["Fish &amp; chips &lt;now&gt;", "Fish & chips <now>"]


def test_crossposts_and_other_shapes(reddit: Call) -> None:
    posts = walk(reddit, "r/all/new", limit=100, raw_json=1)
    crossposts = [post for post in posts if post.get("crosspost_parent")]
    assert crossposts
    assert all(post["domain"] == "" and post["url"].startswith("/r/") for post in crossposts)
    assert all(post["crosspost_parent_list"][0]["name"] == post["crosspost_parent"] for post in crossposts)
    assert {"self", "default", "nsfw", ""} <= {post["thumbnail"] for post in posts}
    assert any(post["is_self"] and post["selftext"] for post in posts)
    assert any("utm_source" in post["url"] for post in posts)
    assert all(isinstance(post["created_utc"], float) for post in posts)
    assert all(len(post) > 95 for post in posts)


@pytest.mark.parametrize(
    ("how", "author", "category"), [("removed", None, "moderator"), ("deleted", "[deleted]", "deleted")]
)
def test_withdrawn_posts_show_through_info(
    reddit: Call, fault: Fault, how: str, author: str | None, category: str
) -> None:
    name = names(reddit("r/technology/new"))[0]
    before = reddit("api/info", id=name).json()["data"]["children"][0]["data"]
    assert before["removed_by_category"] is None
    fault("reddit", "withdraw", keys=[name], how=how)
    after = reddit("api/info", id=f"{name},t3_unknown").json()["data"]["children"]
    assert [post["data"]["name"] for post in after] == [name]
    assert after[0]["data"]["removed_by_category"] == category
    assert after[0]["data"]["author"] == (author or before["author"])
    assert name not in names(reddit("r/technology/new"))


def test_unknown_subreddit_and_wrong_case(reddit: Call) -> None:
    unknown = reddit("r/nosuchplace/new")
    assert unknown.status_code == 302
    assert unknown.headers["location"].endswith("/subreddits/search?q=nosuchplace")
    assert unknown.headers["content-type"].startswith("text/html")
    assert reddit("r/WorldNews/new").status_code == 301
    answer = reddit("nowhere/at/all")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found", "error": 404})


def test_truncated_json_and_empty_5xx(reddit: Call, fault: Fault) -> None:
    fault("reddit", "truncate", times=1)
    answer = reddit("new")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    fault("reddit", "status", status=503, times=1)
    answer = reddit("new")
    assert (answer.status_code, answer.content) == (503, b"")
    assert reddit("new").json()["kind"] == "Listing"


def test_some_answers_carry_no_rate_headers(reddit: Call, settings: Change) -> None:
    settings(reddit_headerless_every=3)
    assert ["x-ratelimit-used" in reddit("new").headers for _ in range(6)] == [True, True, False] * 2


def test_multireddits_and_sorts(reddit: Call) -> None:
    posts = walk(reddit, "r/science+technology/new", limit=100)
    assert {post["subreddit"] for post in posts} == {"science", "technology"}
    assert [post["created_utc"] for post in posts] == sorted(
        (post["created_utc"] for post in posts), reverse=True
    )
    top = walk(reddit, "r/all/top", limit=100, t="all")
    assert [post["score"] for post in top] == sorted((post["score"] for post in top), reverse=True)
    assert len(walk(reddit, "r/all/top", limit=100, t="day")) < len(top)
    for sort in ("hot", "rising", "best", "controversial"):
        assert names(reddit(f"r/news/{sort}"))
    assert names(reddit("r/news/hot.json")) == names(reddit("r/news"))


def test_search(reddit: Call) -> None:
    everywhere = walk(reddit, "search", q="climate", limit=100)
    assert everywhere
    assert all(
        "climate" in f"{post['title']} {post['subreddit']} {post['url']}".lower() for post in everywhere
    )
    inside = walk(reddit, "r/science/search", q="the OR a", restrict_sr="1")
    assert {post["subreddit"] for post in inside} == {"science"}
    assert names(reddit("search", q="climate AND (")) == names(reddit("search", q="climate"))
    assert names(reddit("search", q="subreddit:science")) != []
    assert names(reddit("search", q="climate", type="sr")) == []
    assert names(reddit("search", q="", sort="new")) == []
    assert names(reddit("search", q="x" * 600)) == []


def test_info_by_url_and_subreddit(reddit: Call) -> None:
    post = walk(reddit, "r/news/new", raw_json=1)[0]
    assert post["name"] in names(reddit("api/info", url=post["url"]))
    things = reddit("api/info", sr_name="News,nosuchplace").json()["data"]["children"]
    assert [(thing["kind"], thing["data"]["display_name"]) for thing in things] == [("t5", "news")]


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12, deadline=None
)
@given(limit=st.integers(7, 100))
def test_pages_neither_skip_nor_repeat(client: TestClient[Any], reddit: Call, limit: int) -> None:
    client.post("/_control/settings", json={"reddit_limit": None})
    posts = [post["name"] for post in walk(reddit, "r/all/new", limit=limit)]
    assert len(posts) == len(set(posts)) > 130
