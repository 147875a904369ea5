"""Pages that never end: whatever was asked, a full page of new items and the promise of more."""

from typing import Any
from urllib.parse import parse_qs

import msgspec

from deploy.local.upstreams import answers, dates
from deploy.local.upstreams.corpus import reddit_posts
from deploy.local.upstreams.faults import Answer, Source
from deploy.local.upstreams.feed import Item
from deploy.local.upstreams.state import Simulator

PROMISED = 1_000_000


def fill(simulator: Simulator, source: Source, scope: Any, answer: Answer) -> None:
    """Put an endless page in the place of a listing's answer, also where the real end had been refused."""
    path: str = scope["path"]
    params = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
    make = {"newsapi": _newsapi, "guardian": _guardian, "reddit": _reddit}.get(source)
    if make is None or not _is_listing(source, path):
        return
    answer.become(msgspec.json.encode(make(simulator, params)), answers.JSON.encode(), 200)


def _is_listing(source: Source, path: str) -> bool:
    if source == "newsapi":
        return path.endswith(("/everything", "/top-headlines"))
    if source == "guardian":
        return path.endswith(("/search", "/next", "/prev"))
    return "/api/" not in path


def _size(params: dict[str, str], name: str, default: int) -> int:
    text = params.get(name, "")
    return max(1, min(200, int(text))) if text.isdecimal() else default


def _newsapi(simulator: Simulator, params: dict[str, str]) -> Item:
    articles = []
    for _ in range(_size(params, "pageSize", 20)):
        number = simulator.next_number()
        articles.append(
            {
                "source": {"id": None, "name": "Endless Wire"},
                "author": None,
                "title": f"Council committee publishes report number {number}",
                "description": f"Report {number} of the committee was published, and there are more to come.",
                "url": f"https://endless-wire.example/reports/{number}",
                "urlToImage": None,
                "publishedAt": dates.iso(simulator.now() - number),
                "content": f"Report {number} of the committee was published on its site.",
            }
        )
    return {"status": "ok", "totalResults": PROMISED, "articles": articles}


def _guardian(simulator: Simulator, params: dict[str, str]) -> Item:
    size = _size(params, "page-size", 10)
    results = []
    for _ in range(size):
        number = simulator.next_number()
        name = f"politics/endless/report-{number}"
        title = f"Council committee publishes report number {number}"
        results.append(
            {
                "id": name,
                "type": "article",
                "sectionId": "politics",
                "sectionName": "Politics",
                "webPublicationDate": dates.iso(simulator.now() - number),
                "webTitle": title,
                "webUrl": f"https://www.theguardian.com/{name}",
                "apiUrl": f"https://content.guardianapis.com/{name}",
                "isHosted": False,
                "fields": {
                    "headline": title,
                    "trailText": "There are more to come.",
                    "body": f"<p>Report {number}.</p>",
                },
            }
        )
    page = _size(params, "page", 1)
    head = {"status": "ok", "userTier": "developer", "total": PROMISED, "startIndex": (page - 1) * size + 1}
    paging = {"pageSize": size, "currentPage": page, "pages": PROMISED // size, "orderBy": "newest"}
    return {"response": {**head, **paging, "results": results}}


def _reddit(simulator: Simulator, params: dict[str, str]) -> Item:
    children: list[Item] = []
    for _ in range(min(100, _size(params, "limit", 25))):
        number = simulator.next_number()
        post = reddit_posts.post(
            name=f"endless{number}",
            subreddit="news",
            title=f"Council committee publishes report number {number}",
            at=simulator.now() - number,
            url=f"https://endless-wire.example/reports/{number}",
        )
        children.append({"kind": "t3", "data": post})
    after = children[-1]["data"]["name"]
    data = {
        "after": after,
        "dist": len(children),
        "modhash": None,
        "geo_filter": "",
        "children": children,
        "before": None,
    }
    return {"kind": "Listing", "data": data}
