"""The way of every answer that is kept: out of the cache, or made once for all who ask, kept, and looked after."""

import functools
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, NamedTuple

from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import Scope

from api import respond
from api.answers import Answer
from api.cache import Alias
from api.deps import Deps

_MISSED: Final = "newsintel.missed"

# Reads the archive through a connection.
Read = Callable[[Any], Awaitable["Draft"]]


class Draft(NamedTuple):
    """An answer that was just made. stories: the ids of those that it shows."""

    answer: Answer
    stories: Collection[int] = ()


class Had(NamedTuple):
    """An answer that was kept, and where."""

    answer: Answer
    tier: str


class Plan(NamedTuple):
    """How an answer is made and kept.

    query: the entry that ingest matches new articles with (empty: every new article changes it; None: no new one does);
    searched: what the caller searched for, on a first page; seconds: for how long it may be kept.
    """

    name: str
    read: Read
    query: str | None = ""
    searched: str | None = None
    seconds: int = 60


async def had(scope: Scope, at: Deps, alias: Alias) -> Had | None:
    """The answer out of the nearest tier that has it. However often a request asks for it, it is missed once."""
    if scope["state"].get(_MISSED) == alias.name:
        return None
    hit, tier = at.cache.near(alias.name), "memory"
    if hit is None:
        hit, tier = await at.cache.far(alias.name), "redis"
    if hit is None:
        scope["state"][_MISSED] = alias.name
        return None
    at.noticed(scope, alias, hit, tier)
    return Had(hit, tier)


async def kept(
    request: Request[Any, Any, Any],
    at: Deps,
    alias: Alias,
    remake: Callable[[], Awaitable[Any]],
    *,
    personal: bool = False,
) -> ASGIResponse | None:
    """The answer out of the cache, if it is there. remake: makes and keeps it anew, before it is too old.

    personal: the same request of somebody else has another answer.
    """
    scope = request.scope
    if not personal:
        at.cache.learn(respond.target(scope), alias)
    at.ahead.plan(alias.name, remake)
    if found := await had(scope, at, alias):
        return respond.kept(request, found.answer, respond.had(found.tier), personal=personal)
    return None


async def answered(request: Request[Any, Any, Any], at: Deps, plan: Plan) -> ASGIResponse:
    """The answer of a plan, from wherever it is soonest had."""
    make = functools.partial(at.coalescer.run, plan.name, functools.partial(_make, at, plan))
    alias = Alias(plan.name, plan.searched)
    if hit := await kept(request, at, alias, make):
        return hit
    found: Answer = await make()
    at.noticed(request.scope, alias, found, "database")
    return respond.kept(request, found, respond.missed(found))


async def _make(at: Deps, plan: Plan) -> Answer:
    # Before the database: what is published after this moment may be missing, and such an answer is not kept.
    generation = await at.cache.generation()
    started = time.perf_counter()
    draft = await at.database.read(plan.read)
    if generation is None:
        return draft.answer
    return await at.cache.put(
        plan.name,
        draft.answer,
        query=plan.query,
        generation=generation,
        seconds=min(plan.seconds, at.settings.cache_seconds),
        stories=draft.stories,
        cost_ms=cost_ms(started),
    )


def cost_ms(started: float) -> int:
    """Since a moment of time.perf_counter()."""
    return round((time.perf_counter() - started) * 1000)
