"""/me/history: what I searched; the preference `search_history` switches it off."""

import functools
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, delete, get
from litestar.response.base import ASGIResponse

from api import carry, deps, openapi, paging, params, respond
from api.auth import guards
from api.carry import IDEMPOTENCY_KEY
from api.kinds import Identifier
from api.paging import CURSOR, LIMIT
from api.params import Parameter, PathText
from api.queries import history as queries
from api.queries.history import Search
from shared.commands import DeleteSearches
from shared.events import Removed

SEARCH_ID = Parameter(
    name="search_id",
    kind=Identifier(),
    description="The `id` of a search in the list.",
    example="8e03978e-40d5-43dd-bc93-6894a57f9324",
    place="path",
)


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first. next: cursor of the next page, null on the last."""

    searches: list[Search]
    next: str | None


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """count: searches that are gone."""

    count: int


@get(
    "/me/history",
    guards=[guards.scope("me:read")],
    operation_class=openapi.operation(CURSOR, LIMIT),
    responses=openapi.responses(History, 304),
    summary="What I searched",
    tags=["history"],
)
async def list_history(request: Request[Any, Any, Any]) -> ASGIResponse:
    """A search is here a second or two after it was made."""
    values = params.parse(request.scope["query_string"], (CURSOR, LIMIT))
    after, limit = paging.read(values["cursor"], UUID), values["limit"]
    rows = await deps.of(request).database.read(
        functools.partial(queries.page, user_id=carry.user_id(request), after=after, limit=limit + 1)
    )
    last = rows[limit - 1] if len(rows) > limit else None
    following = paging.write(last.searched_at, last.id) if last else None
    return respond.private(History(searches=rows[:limit], next=following), request)


@delete(
    "/me/history/{search_id:str}",
    status_code=200,
    guards=[guards.scope("me:write")],
    operation_class=openapi.operation(SEARCH_ID, IDEMPOTENCY_KEY),
    responses=openapi.responses(None, 202, 404, 422),
    summary="Forget one search",
    tags=["history"],
)
async def forget_one(request: Request[Any, Any, Any], search_id: PathText) -> ASGIResponse:
    """404 when it is not yours."""
    params.none(request)
    which = SEARCH_ID.read(search_id)
    command = DeleteSearches(**carry.write_fields(request), search_id=which)
    return await carry.out(request, command, Removed, respond.no_content)


@delete(
    "/me/history",
    status_code=200,
    guards=[guards.scope("me:write")],
    operation_class=openapi.operation(IDEMPOTENCY_KEY),
    responses=openapi.responses(Forgotten, 202, 422),
    summary="Forget all searches",
    tags=["history"],
)
async def forget_all(request: Request[Any, Any, Any]) -> ASGIResponse:
    """To stop recording, set the preference `search_history` to false."""
    params.none(request)

    async def told(done: Removed) -> ASGIResponse:
        return respond.private(Forgotten(count=done.count))

    return await carry.out(request, DeleteSearches(**carry.write_fields(request)), Removed, told)
