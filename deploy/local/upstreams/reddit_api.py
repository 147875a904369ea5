"""Reddit's API on the oauth host: who am I, listings, search, and the check of single posts."""

from typing import Any
from urllib.parse import quote

from litestar import Request, get

from deploy.local.upstreams import answers, consent, reddit_access, reddit_listing
from deploy.local.upstreams.accounts import REDDIT_USERS
from deploy.local.upstreams.answers import Answer
from deploy.local.upstreams.feed import Entry, Item
from deploy.local.upstreams.limits import Usage
from deploy.local.upstreams.reddit_tokens import Grant
from deploy.local.upstreams.state import Injected, Simulator

Get = Request[Any, Any, Any]
Params = dict[str, str]

MAX_INFO = 100


@get(["/reddit/oauth", "/reddit/oauth/{rest:path}"])
async def api(request: Get, simulator: Injected) -> Answer:
    """The door (agent, token, limit) and, behind it, the API."""
    if reddit_access.blocked(request.headers) or "authorization" not in request.headers:
        return reddit_access.block()
    access = reddit_access.access_of(simulator, request.headers)
    if access is None:
        return reddit_access.unauthorized()
    settings, caller = simulator.settings, f"reddit:{access.grant.client_id}"
    seconds = settings.reddit_window_seconds
    usage = simulator.limits.take(caller, simulator.now(), limit=settings.reddit_limit, seconds=seconds)
    if not usage.allowed:
        headers = {"retry-after": str(usage.reset), **_rate_headers(usage)}
        return answers.html(consent.too_many_requests_page(), 429, headers)
    path = request.scope["path"].removeprefix("/reddit/oauth").removesuffix(".json")
    parts = [part for part in path.split("/") if part]
    answer = _routed(simulator, access.grant, parts, dict(request.query_params))
    every = settings.reddit_headerless_every
    if not (every and usage.used % every == 0):
        answer.headers.update(_rate_headers(usage))
    return answer


def _rate_headers(usage: Usage) -> dict[str, str]:
    """`remaining` is written as a float, the others are not."""
    return {
        "x-ratelimit-used": str(usage.used),
        "x-ratelimit-remaining": f"{float(usage.remaining)}",
        "x-ratelimit-reset": str(usage.reset),
    }


def _routed(simulator: Simulator, grant: Grant, parts: list[str], params: Params) -> Answer:
    """Every place needs the scope `read`, but for the user's own data."""
    match parts:
        case ["api", "v1", "me"]:
            return _me(grant)
        case _ if not grant.allows("read"):
            return reddit_access.insufficient_scope()
        case ["api", "info"]:
            return _info(simulator, params)
        case ["r", name, "about"]:
            return _about(simulator, name)
        case ["search"] | ["r", _, "search"]:
            return _search(simulator, parts, params)
        case _:
            return _listing(simulator, parts, params)


def _search(simulator: Simulator, parts: list[str], params: Params) -> Answer:
    restricted = params.get("restrict_sr", "").lower() in {"1", "true", "on", "yes"}
    names = parts[1].split("+") if restricted and len(parts) > 1 else []
    return _listed(simulator, reddit_listing.search(simulator, params, names), params)


def _listing(simulator: Simulator, parts: list[str], params: Params) -> Answer:
    """The front page, a subreddit, a domain or a user; `hot` when no order is named."""
    *place, sort = parts if parts and parts[-1] in reddit_listing.SORTS else [*parts, "hot"]
    everything = reddit_listing.posts_of(simulator, ())
    match place:
        case []:
            return _sorted(simulator, everything, sort, params)
        case ["r", name]:
            return _subreddit(simulator, name, sort, params)
        case ["domain", domain]:
            posts = [entry for entry in everything if entry.item["domain"] == domain]
            return _sorted(simulator, posts, sort, params)
        case ["user", name, "submitted" | "overview"]:
            posts = [entry for entry in everything if entry.item["author"] == name]
            return _sorted(simulator, posts, "new", params)
        case _:
            return _not_found()


def _not_found(**reason: str) -> Answer:
    return answers.json({**reason, "message": "Not Found", "error": 404}, 404)


def _subreddit(simulator: Simulator, name: str, sort: str, params: Params) -> Answer:
    """A subreddit's posts, or several's (`a+b`); an unknown one leads to the search page, a wrong case to the right."""
    names = name.split("+")
    known = reddit_listing.subreddit_names(simulator) | {"all": "all", "popular": "popular"}
    if len(names) == 1:
        right = known.get(name.lower())
        if right is None:
            return answers.redirect(f"/subreddits/search?q={quote(name)}")
        if right != name:
            return answers.redirect(f"/reddit/oauth/r/{right}/{sort}", 301)
    return _sorted(simulator, reddit_listing.posts_of(simulator, names), sort, params)


def _sorted(simulator: Simulator, posts: list[Entry], sort: str, params: Params) -> Answer:
    period = params.get("t", "day")
    return _listed(simulator, reddit_listing.sorted_posts(posts, sort, period, simulator.now()), params)


def _listed(simulator: Simulator, posts: list[Entry], params: Params) -> Answer:
    return _json(reddit_listing.page(simulator, posts, params), params)


def _json(content: Item, params: Params) -> Answer:
    return answers.json(content if params.get("raw_json") == "1" else reddit_listing.escaped(content))


def _info(simulator: Simulator, params: Params) -> Answer:
    """Posts by fullname (up to 100, in the asked order, unknown ones left out), by address, or subreddits by name."""
    feed, now = simulator.feeds.reddit, simulator.now()
    if url := params.get("url"):
        found = [entry for entry in reddit_listing.posts_of(simulator, ()) if entry.item["url"] == url]
    elif names := params.get("sr_name"):
        known = reddit_listing.subreddit_names(simulator)
        right = [known[name.lower()] for name in names.split(",") if name.lower() in known]
        return _json(reddit_listing.listing([_subreddit_thing(name) for name in right]), params)
    else:
        ids = [name.strip() for name in params.get("id", "").split(",")][:MAX_INFO]
        found = [entry for name in ids if (entry := feed.get(name, now)) is not None]
    return _json(reddit_listing.listing([reddit_listing.child(simulator, entry) for entry in found]), params)


def _about(simulator: Simulator, name: str) -> Answer:
    right = reddit_listing.subreddit_names(simulator).get(name.lower())
    return answers.json(_subreddit_thing(right)) if right else _not_found(reason="banned")


def _subreddit_thing(name: str) -> Item:
    data = {"display_name": name, "display_name_prefixed": f"r/{name}", "title": name, "url": f"/r/{name}/"}
    return {"kind": "t5", "data": {**data, "subreddit_type": "public", "over18": False, "lang": "en"}}


def _me(grant: Grant) -> Answer:
    """The signed-in user; Reddit gives no email address."""
    user = REDDIT_USERS.get(grant.user or "")
    if user is None or not grant.allows("identity"):
        return reddit_access.insufficient_scope()
    return answers.json(
        {
            "id": user.id,
            "name": user.name,
            "created": user.created_utc,
            "created_utc": user.created_utc,
            "link_karma": user.link_karma,
            "comment_karma": user.comment_karma,
            "total_karma": user.link_karma + user.comment_karma,
            "has_verified_email": user.verified,
            "verified": user.verified,
            "over_18": False,
            "is_suspended": user.suspended,
            "is_gold": False,
            "is_mod": False,
            "is_employee": False,
            "hide_from_robots": False,
            "inbox_count": 0,
            "icon_img": "https://www.redditstatic.com/avatars/defaults/v2/avatar_default_1.png",
            "pref_nightmode": False,
        }
    )
