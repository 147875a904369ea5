"""The control API for tests and demos, under `/_control`: faults, calls, settings, articles, reset."""

from typing import Any, Literal

import msgspec
from litestar import Request, delete, get, post

from deploy.local.upstreams import answers, shapes
from deploy.local.upstreams.answers import Answer
from deploy.local.upstreams.corpus import newcomers
from deploy.local.upstreams.faults import Fault
from deploy.local.upstreams.feed import Item
from deploy.local.upstreams.settings import changed
from deploy.local.upstreams.state import Injected

Call = Request[Any, Any, Any]
ArticleSource = Literal["newsapi", "guardian", "reddit"]


class NewArticles(msgspec.Struct, forbid_unknown_fields=True):
    """Items to publish: whole ones in the source's shape, or only some of their fields."""

    source: ArticleSource
    items: list[Item]


@get("/health")
async def health(simulator: Injected) -> Answer:
    """Ready, and with how many items."""
    feeds = simulator.feeds
    items = {"newsapi": len(feeds.newsapi), "guardian": len(feeds.guardian), "reddit": len(feeds.reddit)}
    return answers.json({"status": "ok", "items": items})


@get("/_control/faults")
async def list_faults(simulator: Injected) -> Answer:
    """The faults that can still meet a call."""
    return answers.json({"faults": simulator.faults.pending()})


@post("/_control/faults")
async def add_fault(request: Call, simulator: Injected) -> Answer:
    """Set a fault; `withdraw` takes effect at once and says what it withdrew."""
    fault = msgspec.json.decode(await request.body(), type=Fault)
    simulator.faults.add(fault)
    withdrawn = simulator.withdraw(fault) if fault.kind == "withdraw" else []
    return answers.json({"fault": fault, "withdrawn": withdrawn}, 201)


@delete("/_control/faults", status_code=200)
async def clear_faults(request: Call, simulator: Injected) -> Answer:
    """Lift every fault, or those of `?source=`; withdrawn items come back."""
    source = request.query_params.get("source")
    simulator.faults.clear(source)
    for name in ("newsapi", "guardian", "reddit"):
        if source in {None, name}:
            simulator.feeds.of(name).withdrawn.clear()
    simulator.newsapi_cache.clear()
    return answers.json({"faults": simulator.faults.pending()})


@get("/_control/calls")
async def list_calls(request: Call, simulator: Injected) -> Answer:
    """How many requests each source got, how many of them its limits refused, and the `?last=` (50) newest."""
    last = msgspec.convert(request.query_params.get("last", "50"), int, strict=False)
    log = simulator.calls
    sources = ("newsapi", "guardian", "reddit", "reddit_token")
    counts = {source: log.counts[source] for source in sources}
    limited = {source: log.limited[source] for source in sources}
    return answers.json({"counts": counts, "limited": limited, "last": log.latest(last)})


@delete("/_control/calls", status_code=200)
async def clear_calls(simulator: Injected) -> Answer:
    """Forget the requests."""
    simulator.calls.clear()
    return answers.json({"counts": {}})


@get("/_control/settings")
async def show_settings(simulator: Injected) -> Answer:
    """All settings as they are."""
    return answers.json(simulator.settings)


@post("/_control/settings", status_code=200)
async def change_settings(request: Call, simulator: Injected) -> Answer:
    """Change the settings that the body names; counts and cached answers start anew unless only the clock moves."""
    patch = msgspec.json.decode(await request.body(), type=dict[str, Any])
    simulator.settings = changed(simulator.settings, patch)
    if set(patch) != {"clock_offset_seconds"}:
        simulator.limits.clear()
        simulator.newsapi_cache.clear()
    return answers.json(simulator.settings)


@post("/_control/articles")
async def add_articles(request: Call, simulator: Injected) -> Answer:
    """Publish items now; what an item leaves out is filled in."""
    wanted = msgspec.json.decode(await request.body(), type=NewArticles)
    keys = []
    for given in wanted.items:
        item = newcomers.completed(wanted.source, given, simulator.next_number(), simulator.now())
        entry = shapes.ENTRY_OF[wanted.source](item)
        simulator.feeds.of(wanted.source).add(entry)
        keys.append(entry.key)
    simulator.newsapi_cache.clear()
    return answers.json({"source": wanted.source, "keys": keys}, 201)


@post("/_control/reset", status_code=200)
async def reset(simulator: Injected) -> Answer:
    """Back to how it started: articles dated anew, no faults, no tokens, no counts."""
    simulator.reset()
    return answers.json({"status": "ok"})


ROUTES = [
    health,
    list_faults,
    add_fault,
    clear_faults,
    list_calls,
    clear_calls,
    show_settings,
    change_settings,
    add_articles,
    reset,
]
