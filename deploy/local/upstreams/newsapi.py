"""NewsAPI.org, version 2: `/everything`, `/top-headlines` and its sources."""

from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import msgspec
from litestar import Request, get

from deploy.local.upstreams import answers, newsapi_rules, newsapi_search
from deploy.local.upstreams.answers import Answer
from deploy.local.upstreams.feed import Item
from deploy.local.upstreams.newsapi_rules import Params, Refusal
from deploy.local.upstreams.state import Cached, Injected, Simulator

Get = Request[Any, Any, Any]
Produce = Callable[[Simulator, Params], Item]

EVERYTHING_PAGE_SIZE = 100
HEADLINES_PAGE_SIZE = 20
DRIFT_FROM = 20
"""Below this many results the promised total was right in the recordings."""

_UNCACHED = {"cache-control": "no-cache", "pragma": "no-cache", "expires": "-1", "cf-cache-status": "DYNAMIC"}
_IGNORED_BY_CACHE = frozenset({"apiKey"})


@get("/newsapi/v2/everything")
async def everything(request: Get, simulator: Injected) -> Answer:
    """Search all articles."""
    return _guarded(request, simulator, _everything)


@get("/newsapi/v2/top-headlines")
async def top_headlines(request: Get, simulator: Injected) -> Answer:
    """Browse the news."""
    return _guarded(request, simulator, _top_headlines)


@get(["/newsapi/v2/top-headlines/sources", "/newsapi/v2/sources"])
async def sources(request: Get, simulator: Injected) -> Answer:
    """List the outlets that have an id."""
    return _guarded(request, simulator, _sources)


@get("/newsapi/{rest:path}")
async def unknown(request: Get) -> Answer:
    """Any other path."""
    return answers.json(
        {"status": "error", "code": "endpointDoesNotExist", "message": request.scope["path"]}, 404, _UNCACHED
    )


def _guarded(request: Get, simulator: Simulator, produce: Produce) -> Answer:
    """The checks every endpoint shares: key, budget, browser; then the cache."""
    params = dict(request.query_params)
    try:
        key = newsapi_rules.key_of(params, request.headers)
        _charge(simulator, key)
        newsapi_rules.check_origin(request.headers.get("origin"), simulator.settings)
        return _cached(request, simulator, lambda: msgspec.json.encode(produce(simulator, params)))
    except Refusal as refusal:
        body = {"status": "error", "code": refusal.code, "message": refusal.message}
        return answers.json(body, refusal.status, _UNCACHED)


def _charge(simulator: Simulator, key: str) -> None:
    settings = simulator.settings
    limit = settings.newsapi_budget if settings.newsapi_plan == "developer" else None
    caller = f"newsapi:{key.lower()}"
    seconds = settings.newsapi_budget_seconds
    if not simulator.limits.take(caller, simulator.now(), limit=limit, seconds=seconds).allowed:
        raise Refusal(429, "rateLimited", newsapi_rules.RATE_LIMITED)


def _cached(request: Get, simulator: Simulator, produce: Callable[[], bytes]) -> Answer:
    """Answer with what was answered before, for some minutes, unless the caller sends X-No-Cache."""
    now = simulator.now()
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] not in _IGNORED_BY_CACHE]
    name = f"{request.url.path}?{sorted(pairs)}"
    cached = simulator.newsapi_cache.get(name)
    if cached is None or cached.expires <= now or request.headers.get("x-no-cache", "").lower() == "true":
        cached = Cached(produce(), now + simulator.settings.newsapi_cache_seconds)
        simulator.newsapi_cache[name] = cached
        return _answer(cached.body, {"x-cached-result": "false"})
    cached.remaining = max(0, cached.remaining - 1)
    expires = formatdate(cached.expires, usegmt=True)
    headers = {
        "x-cached-result": "true",
        "x-cache-remaining": str(cached.remaining),
        "x-cache-expires": expires,
    }
    return _answer(cached.body, headers)


def _answer(body: bytes, headers: dict[str, str]) -> Answer:
    return Answer(body, headers={**_UNCACHED, **headers}, media_type=answers.JSON)


def _everything(simulator: Simulator, params: Params) -> Item:
    page, size = newsapi_rules.page_of(params, EVERYTHING_PAGE_SIZE, simulator.settings)
    if not any(params.get(name, "").strip() for name in ("q", "qInTitle", "sources", "domains")):
        raise Refusal(400, "parametersMissing", newsapi_rules.TOO_BROAD)
    found = newsapi_search.everything(simulator, params, _known_sources(simulator))
    return _page(simulator, found, page, size)


def _top_headlines(simulator: Simulator, params: Params) -> Item:
    page, size = newsapi_rules.page_of(params, HEADLINES_PAGE_SIZE, simulator.settings)
    if not any(params.get(name, "").strip() for name in ("sources", "q", "language", "country", "category")):
        raise Refusal(400, "parametersMissing", newsapi_rules.MISSING_HEADLINE_PARAMETER)
    if params.get("sources") and (params.get("country") or params.get("category")):
        status = simulator.settings.newsapi_incompatible_status
        raise Refusal(status, "parametersIncompatible", newsapi_rules.MIXED)
    found = newsapi_search.top_headlines(simulator, params, _known_sources(simulator))
    return _page(simulator, found, page, size)


def _page(simulator: Simulator, found: list[Item], page: int, size: int) -> Item:
    drift = simulator.settings.newsapi_total_drift if len(found) > DRIFT_FROM else 0
    return {
        "status": "ok",
        "totalResults": len(found) + drift,
        "articles": found[(page - 1) * size : page * size],
    }


def _known_sources(simulator: Simulator) -> frozenset[str]:
    entries = simulator.feeds.newsapi.published(simulator.now())
    return frozenset(entry.facets["source"] for entry in entries if entry.facets.get("source"))


def _sources(simulator: Simulator, params: Params) -> Item:
    """Every outlet with an id, described from its own articles."""
    outlets: dict[str, Item] = {}
    for entry in simulator.feeds.newsapi.published(simulator.now()):
        if (outlet := entry.facets.get("source")) and outlet not in outlets:
            outlets[outlet] = {
                "id": outlet,
                "name": entry.item["source"]["name"],
                "description": f"News from {entry.item['source']['name']}.",
                "url": "/".join(entry.key.split("/")[:3]),
                "category": entry.facets.get("outlet_category", "general"),
                "language": entry.facets.get("language", "en"),
                "country": entry.facets.get("country", "us"),
            }
    wanted = [(name, params[name]) for name in ("category", "language", "country") if params.get(name)]
    found = [outlet for outlet in outlets.values() if all(outlet[name] == value for name, value in wanted)]
    return {"status": "ok", "sources": sorted(found, key=lambda outlet: str(outlet["id"]))}
