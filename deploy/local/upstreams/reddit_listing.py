"""Reddit's listings: which posts, in which order, cut into pages by fullname."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deploy.local.upstreams.dates import DAY
from deploy.local.upstreams.feed import Entry, Item
from deploy.local.upstreams.query import And, matches, parse_cleaned, score
from deploy.local.upstreams.state import Simulator

Params = Mapping[str, str]

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
MAX_ITEMS = 1_000
MAX_QUERY = 512
SEARCH_FIELDS = frozenset({"title", "selftext", "subreddit", "author", "site", "url", "flair"})
SORTS = frozenset({"hot", "new", "top", "rising", "controversial", "best"})
PERIODS = {"hour": 3_600, "day": DAY, "week": 7 * DAY, "month": 30 * DAY, "year": 365 * DAY, "all": math.inf}
_REMOVED_BY = {"removed": "moderator", "deleted": "deleted", "gone": "reddit"}
_EVERYWHERE = frozenset({"all", "popular"})


def subreddit_names(simulator: Simulator) -> dict[str, str]:
    """Every subreddit with a post, by its lower-case name."""
    names = (entry.item["subreddit"] for entry in simulator.feeds.reddit.published(simulator.now()))
    return {name.lower(): name for name in names}


def posts_of(simulator: Simulator, names: Sequence[str]) -> list[Entry]:
    """The listed posts of some subreddits (none named, `all` or `popular`: of every one), newest first.

    A withdrawn post leaves the listings; `/api/info` still shows what is left of it.
    """
    wanted = {name.lower() for name in names}
    feed = simulator.feeds.reddit
    return [
        entry
        for entry in feed.published(simulator.now())
        if entry.key not in feed.withdrawn
        and (not wanted or wanted & _EVERYWHERE or entry.item["subreddit"].lower() in wanted)
    ]


def sorted_posts(posts: list[Entry], sort: str, period: str, now: float) -> list[Entry]:
    """The posts in one of Reddit's orders."""
    if sort in {"top", "controversial"}:
        start = now - PERIODS.get(period, PERIODS["day"])
        posts = [entry for entry in posts if entry.at >= start]
    ranks: dict[str, Callable[[Entry], float]] = {
        "top": lambda entry: -entry.item["score"],
        "controversial": lambda entry: abs(entry.item.get("upvote_ratio", 1.0) - 0.5),
        "hot": _coldness,
        "best": _coldness,
        "rising": _coldness,
        "comments": lambda entry: -entry.item["num_comments"],
    }
    return sorted(posts, key=ranks[sort]) if sort in ranks else posts


def _coldness(entry: Entry) -> float:
    return -math.log10(max(entry.item["score"], 1)) - entry.at / 45_000


def search(simulator: Simulator, params: Params, names: Sequence[str]) -> list[Entry]:
    """The posts that match `q`; what cannot be read in it is left out, never refused."""
    query = parse_cleaned(params.get("q", "")[:MAX_QUERY], SEARCH_FIELDS)
    kinds = params.get("type", "link").split(",")
    if "link" not in kinds or query == And(()):
        return []
    start = simulator.now() - PERIODS.get(params.get("t", "all"), math.inf)
    found = [
        entry for entry in posts_of(simulator, names) if entry.at >= start and matches(query, entry.words)
    ]
    sort = params.get("sort", "relevance")
    if sort == "relevance":
        return sorted(found, key=lambda entry: -score(query, entry.words))
    return sorted_posts(found, sort, "all", simulator.now())


def page(simulator: Simulator, posts: list[Entry], params: Params) -> Item:
    """One page as a Listing; it ends at about a thousand items whatever the paging."""
    posts = posts[:MAX_ITEMS]
    keys = [entry.key for entry in posts]
    limit = limit_of(params)
    after, before = params.get("after", ""), params.get("before", "")
    if before:
        end = keys.index(before) if before in keys else 0
        start = max(0, end - limit)
    else:
        start = _after(simulator, posts, keys, after)
        end = start + limit
    shown = posts[start:end]
    more = end < len(posts)
    return listing(
        [child(simulator, entry) for entry in shown],
        after=shown[-1].key if shown and more else None,
        before=shown[0].key if shown and start > 0 and params.get("count") else None,
    )


def _after(simulator: Simulator, posts: list[Entry], keys: list[str], after: str) -> int:
    """Where the next page starts; after a post that left the listing, by its date, and for an unknown one nowhere."""
    if not after:
        return 0
    if after in keys:
        return keys.index(after) + 1
    lost = simulator.feeds.reddit.get(after, simulator.now())
    if lost is None:
        return len(posts)
    return next((number for number, entry in enumerate(posts) if entry.at <= lost.at), len(posts))


def limit_of(params: Params) -> int:
    """1 to 100; what is not a number is the default."""
    try:
        return min(MAX_LIMIT, max(1, int(params.get("limit", DEFAULT_LIMIT))))
    except ValueError:
        return DEFAULT_LIMIT


def listing(children: list[Item], after: str | None = None, before: str | None = None) -> Item:
    """Reddit's envelope."""
    data = {"after": after, "dist": len(children), "modhash": None, "geo_filter": "", "children": children}
    return {"kind": "Listing", "data": {**data, "before": before}}


def child(simulator: Simulator, entry: Entry) -> Item:
    """A post in its envelope, as little of it as its withdrawal leaves."""
    how = simulator.feeds.reddit.withdrawn.get(entry.key)
    if how is None:
        return {"kind": "t3", "data": entry.item}
    mark = "[deleted]" if how == "deleted" else "[removed]"
    text = mark if entry.item.get("is_self") else ""
    emptied: Item = {"selftext": text, "selftext_html": None, "removed_by_category": _REMOVED_BY[how]}
    emptied |= {"is_robot_indexable": False, "thumbnail": "default"}
    if how == "deleted":
        emptied |= {
            "author": "[deleted]",
            "title": "[deleted by user]",
            "url": "",
            "url_overridden_by_dest": "",
        }
        emptied |= {"author_fullname": None, "domain": f"self.{entry.item['subreddit']}"}
    return {"kind": "t3", "data": {**entry.item, **emptied}}


def escaped(content: Any) -> Any:
    """Without `raw_json=1`, `<`, `>` and `&` in every text come HTML-escaped."""
    if isinstance(content, str):
        return content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if isinstance(content, dict):
        return {name: escaped(value) for name, value in content.items()}
    if isinstance(content, list):
        return [escaped(value) for value in content]
    return content
