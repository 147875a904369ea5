"""Articles added at run time: what the caller leaves out of an item is filled in."""

from typing import Any

from deploy.local.upstreams import dates
from deploy.local.upstreams.corpus import reddit_posts
from deploy.local.upstreams.feed import Item


def completed(source: str, given: Item, number: int, now: float) -> Item:
    """The item with every key its source always sends."""
    make = {"newsapi": _article, "guardian": _content, "reddit": _post}[source]
    return make(given, number, now)


def _article(given: Item, number: int, now: float) -> Item:
    defaults: Item = {
        "source": {"id": None, "name": "Added News"},
        "author": None,
        "title": f"Added article {number}",
        "description": None,
        "url": f"https://added-news.example/articles/{number}",
        "urlToImage": None,
        "publishedAt": dates.iso(now),
        "content": None,
    }
    return {**defaults, **given}


def _content(given: Item, number: int, now: float) -> Item:
    item_id = given.get("id", f"world/added/article-{number}")
    title = given.get("webTitle", f"Added item {number}")
    defaults: Item = {
        "id": item_id,
        "type": "article",
        "sectionId": "world",
        "sectionName": "World news",
        "webPublicationDate": dates.iso(now),
        "webTitle": title,
        "webUrl": f"https://www.theguardian.com/{item_id}",
        "apiUrl": f"https://content.guardianapis.com/{item_id}",
        "fields": {"headline": title, "trailText": "", "body": ""},
        "isHosted": False,
        "pillarId": "pillar/news",
        "pillarName": "News",
    }
    return {**defaults, **given}


def _post(given: Item, number: int, now: float) -> Item:
    known: dict[str, Any] = {
        "name": str(given.get("id") or str(given.get("name", "")).removeprefix("t3_") or f"added{number}"),
        "subreddit": given.get("subreddit", "news"),
        "title": given.get("title", f"Added post {number}"),
        "at": float(given.get("created_utc", now)),
        "url": given.get("url"),
    }
    return {**reddit_posts.post(**known), **{name: value for name, value in given.items() if name != "name"}}
