"""/me/preferences: each by its key, typed; a new kind is a line in shared.preferences."""

import functools
from typing import Any

import msgspec
from litestar import Request, delete, get, put
from litestar.response.base import ASGIResponse

from api import bodies, carry, deps, openapi, params, respond
from api.auth import guards
from api.carry import IDEMPOTENCY_KEY, IF_MATCH
from api.kinds import Choice
from api.params import Parameter, PathText
from api.queries import preferences as queries
from api.queries.preferences import Preference
from shared import preferences
from shared.commands import RemovePreference, SetPreference
from shared.events import PreferenceSet, Removed

KEY = Parameter(
    name="key",
    kind=Choice(names=tuple(preferences.KINDS)),
    description="`search_history` is the off switch of the history; the others shape a personal search.",
    example="language",
    place="path",
)


class PreferenceList(msgspec.Struct, frozen=True, kw_only=True):
    """Those that are set; the rest is at its default."""

    preferences: list[Preference]


class PreferenceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """value: of the type that belongs to the key."""

    value: Any


@get(
    "/me/preferences",
    guards=[guards.scope("me:read")],
    operation_class=openapi.operation(),
    responses=openapi.responses(PreferenceList, 304),
    summary="My preferences",
    tags=["preferences"],
)
async def list_preferences(request: Request[Any, Any, Any]) -> ASGIResponse:
    """All that are set."""
    params.none(request)
    found = await deps.of(request).database.read(
        functools.partial(queries.every, user_id=carry.user_id(request))
    )
    return respond.private(PreferenceList(preferences=found), request)


@get(
    "/me/preferences/{key:str}",
    guards=[guards.scope("me:read")],
    operation_class=openapi.operation(KEY),
    responses=openapi.responses(Preference, 304, 404),
    summary="One preference",
    tags=["preferences"],
)
async def one_preference(request: Request[Any, Any, Any], key: PathText) -> ASGIResponse:
    """404 while it is at its default."""
    params.none(request)
    return await _shown(request, KEY.read(key), 200)


@put(
    "/me/preferences/{key:str}",
    guards=[guards.scope("me:write")],
    operation_class=openapi.operation(KEY, IF_MATCH, IDEMPOTENCY_KEY, body=PreferenceBody),
    responses=openapi.responses(Preference, 202, 404, 412, 422, created=True),
    summary="Set a preference",
    tags=["preferences"],
)
async def set_preference(request: Request[Any, Any, Any], key: PathText) -> ASGIResponse:
    """An unknown key or a value of the wrong type is a 400 that says what is right."""
    params.none(request)
    name = KEY.read(key)
    value = preferences.check(name, (await bodies.read(request, PreferenceBody)).value)
    command = SetPreference(
        **carry.write_fields(request), key=name, value=value, if_match=carry.if_match(request)
    )

    async def shown(done: PreferenceSet) -> ASGIResponse:
        return await _shown(request, name, 201 if done.created else 200)

    return await carry.out(request, command, PreferenceSet, shown)


@delete(
    "/me/preferences/{key:str}",
    status_code=200,
    guards=[guards.scope("me:write")],
    operation_class=openapi.operation(KEY, IF_MATCH, IDEMPOTENCY_KEY),
    responses=openapi.responses(None, 202, 404, 412, 422),
    summary="Back to the default",
    tags=["preferences"],
)
async def remove_preference(request: Request[Any, Any, Any], key: PathText) -> ASGIResponse:
    """404 when it was not set."""
    params.none(request)
    name = KEY.read(key)
    command = RemovePreference(**carry.write_fields(request), key=name, if_match=carry.if_match(request))
    return await carry.out(request, command, Removed, respond.no_content)


async def _shown(request: Request[Any, Any, Any], key: str, status: int) -> ASGIResponse:
    found = await deps.of(request).database.read(
        functools.partial(queries.one, user_id=carry.user_id(request), key=key)
    )
    return respond.versioned(request, found, found.version, status)
