"""The Guardian's content API: search, items and their neighbours, tags, sections, editions."""

from typing import Any

from litestar import Request, get

from deploy.local.upstreams import accounts, answers, guardian_items, guardian_search
from deploy.local.upstreams.answers import Answer
from deploy.local.upstreams.dates import DAY
from deploy.local.upstreams.feed import Item
from deploy.local.upstreams.guardian_search import Params, Refusal
from deploy.local.upstreams.limits import Usage
from deploy.local.upstreams.state import Injected, Simulator

Get = Request[Any, Any, Any]

EDITIONS = {"uk": "UK", "us": "US", "au": "Australia", "international": "International", "europe": "Europe"}


@get("/guardian/{rest:path}")
async def guardian(request: Get, simulator: Injected) -> Answer:
    """The gateway (key, limits) and, behind it, the content API."""
    params = dict(request.query_params)
    key = params.get("api-key", "")
    if not accounts.guardian_key_known(key):
        return answers.json({"message": "Unauthorized"}, 401)
    day, second = _charged(simulator, key)
    headers = _rate_headers(simulator, day, second)
    if not (day.allowed and second.allowed):
        return answers.json({"message": "API rate limit exceeded"}, 429, headers)
    path = request.scope["path"].removeprefix("/guardian/").strip("/")
    if (moved := simulator.feeds.guardian.moved.get(path)) is not None:
        return answers.redirect(f"{request.url.path.removesuffix(path)}{moved}?{request.url.query}")
    try:
        return answers.json({"response": _routed(simulator, path, params)}, 200, headers)
    except Refusal as refusal:
        body = {"response": {"status": "error", "message": refusal.message}}
        return answers.json(body, refusal.status, headers)


def _charged(simulator: Simulator, key: str) -> tuple[Usage, Usage]:
    settings, now, caller = simulator.settings, simulator.now(), f"guardian:{key.lower()}"
    second = simulator.limits.take(caller, now, limit=settings.guardian_per_second, seconds=1)
    limit = settings.guardian_per_day if second.allowed else 0
    return simulator.limits.take(caller, now, limit=limit, seconds=DAY), second


def _rate_headers(simulator: Simulator, day: Usage, second: Usage) -> dict[str, str]:
    settings = simulator.settings
    if not settings.guardian_rate_headers:
        return {}
    headers = {}
    for name, limit, usage in (
        ("Second", settings.guardian_per_second, second),
        ("Day", settings.guardian_per_day, day),
    ):
        if limit is not None:
            headers[f"X-RateLimit-Limit-{name}"] = str(limit)
            headers[f"X-RateLimit-Remaining-{name}"] = str(usage.remaining)
    return headers


def _routed(simulator: Simulator, path: str, params: Params) -> Item:
    if path == "search":
        return guardian_search.page_envelope(simulator, params, guardian_search.find(simulator, params))
    if path in {"tags", "sections", "editions"}:
        return _catalogue(simulator, path, params)
    if path.startswith("content/") and path.endswith(("/next", "/prev")):
        key = path.removeprefix("content/").rpartition("/")[0]
        return guardian_search.next_envelope(simulator, params, key, backwards=path.endswith("/prev"))
    return _item(simulator, path, params) or _place(simulator, path, params)


def _item(simulator: Simulator, path: str, params: Params) -> Item | None:
    """One article; a withdrawn one is not found, or says `isGone`."""
    feed, now = simulator.feeds.guardian, simulator.now()
    entry = feed.get(path, now)
    if entry is None:
        return None
    how = feed.withdrawn.get(path)
    if how is not None and how != "gone":
        raise Refusal(404, guardian_search.NOT_FOUND)
    content = guardian_items.shown(entry, params, now, gone=how == "gone")
    return {"status": "ok", "userTier": "developer", "total": 1, "content": content}


def _place(simulator: Simulator, path: str, params: Params) -> Item:
    """A section's or a tag's own page: what it is, and its items."""
    if path in EDITIONS:
        return {"status": "ok", "userTier": "developer", "total": 1, "edition": _edition(path), "results": []}
    known = {tag["id"]: ("tag", tag) for tag in _tags(simulator)}
    known |= {section["id"]: ("section", section) for section in _sections(simulator)}
    if path not in known:
        raise Refusal(404, guardian_search.NOT_FOUND)
    name, content = known[path]
    found = guardian_search.find(simulator, params, within=frozenset({path}))
    return {**guardian_search.page_envelope(simulator, params, found), name: content}


def _catalogue(simulator: Simulator, path: str, params: Params) -> Item:
    listed = {"tags": _tags, "sections": _sections, "editions": _editions}[path](simulator)
    words = params.get("q", "").lower().split()
    found = [
        one
        for one in listed
        if all(word in f"{one['id']} {one['webTitle']}".lower() for word in words)
        and all(one.get(name) == value for name, value in _tag_filters(params))
    ]
    head = {"status": "ok", "userTier": "developer", "total": len(found)}
    if path != "tags":
        return {**head, "results": found}
    page, size = int(params.get("page", "1")), guardian_search.page_size(params)
    start = (page - 1) * size
    paging = {
        "startIndex": start + 1,
        "pageSize": size,
        "currentPage": page,
        "pages": -(-len(found) // size) if size else 0,
    }
    return {**head, **paging, "results": found[start : start + size]}


def _tag_filters(params: Params) -> list[tuple[str, str]]:
    names = {"type": "type", "section": "sectionId"}
    return [(field, params[name]) for name, field in names.items() if params.get(name)]


def _tags(simulator: Simulator) -> list[Item]:
    entries = simulator.feeds.guardian.published(simulator.now())
    known = {tag["id"]: tag for entry in entries for tag in guardian_items.tags(entry)}
    return [known[name] for name in sorted(known)]


def _sections(simulator: Simulator) -> list[Item]:
    entries = simulator.feeds.guardian.published(simulator.now())
    known = {entry.item.get("sectionId", ""): guardian_items.section(entry) for entry in entries}
    return [known[name] for name in sorted(known)]


def _editions(_: Simulator) -> list[Item]:
    return [_edition(name) for name in EDITIONS]


def _edition(name: str) -> Item:
    return {
        "id": name,
        "path": name,
        "edition": EDITIONS[name],
        "webTitle": f"new guardian {name} front page",
        "webUrl": f"https://www.theguardian.com/{name}",
        "apiUrl": f"https://content.guardianapis.com/{name}",
    }
