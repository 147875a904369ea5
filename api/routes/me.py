"""/me: the profile, what is left of the limits, everything that is stored, and the end of an account."""

import functools
from typing import Any

import msgspec
from litestar import Request, delete, get
from litestar.response.base import ASGIResponse

from api import carry, deps, hops, openapi, params, respond
from api.auth import cookies, guards, principal
from api.carry import IDEMPOTENCY_KEY
from api.queries import export, people
from api.queries.export import Everything
from api.queries.people import Profile
from api.refusals import Refusal
from shared import keys
from shared.commands import DeleteAccount
from shared.events import AccountDeleted


class Me(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """signed_in_by: cookie, bearer or key; scopes: of the key; csrf_token: for writes with the cookie."""

    user: Profile
    signed_in_by: str
    scopes: list[str] = []
    csrf_token: str | None = None


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """One limit. reset_seconds: until more comes (nothing left) or the present slot ends."""

    name: str
    quota: int
    window_seconds: int
    used: int
    remaining: int
    reset_seconds: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """counted_as: user or key; each has limits of its own."""

    counted_as: str
    limits: list[Quota]


@get(
    "/me",
    guards=[guards.scope("me:read")],
    operation_class=openapi.operation(),
    responses=openapi.responses(Me),
    summary="Who I am",
    tags=["me"],
)
async def me(request: Request[Any, Any, Any]) -> ASGIResponse:
    """The profile, and how this request proved it."""
    params.none(request)
    at, asking = deps.of(request), principal.of(request.scope)
    user_id = carry.user_id(request)
    profile = await at.database.read(functools.partial(people.profile, user_id=user_id))
    if profile is None:
        raise Refusal("credentials_refused", "This account was deleted.")
    by_cookie = asking.how == "cookie" and asking.session_id
    return respond.private(
        Me(
            user=profile,
            signed_in_by=asking.how,
            scopes=sorted(asking.scopes),
            csrf_token=at.people.csrf.token(asking.session_id or "") if by_cookie else None,
        )
    )


@get(
    "/me/usage",
    guards=[guards.signed_in],
    operation_class=openapi.operation(),
    responses=openapi.responses(Usage),
    summary="What is left of my limits",
    tags=["me"],
)
async def usage(request: Request[Any, Any, Any]) -> ASGIResponse:
    """As all processes have counted it."""
    params.none(request)
    at, asking = deps.of(request), principal.of(request.scope)
    who, policies = at.people.counted_as(asking, hops.client(request.scope, at.people.trusted))
    verdict = await at.people.limiter.look(who, policies)
    limits = [
        Quota(
            name=left.policy.name,
            quota=left.policy.quota,
            window_seconds=left.policy.seconds,
            used=left.policy.quota - left.remaining,
            remaining=left.remaining,
            reset_seconds=left.reset,
        )
        for left in verdict.left
    ]
    return respond.private(Usage(counted_as="key" if asking.key_id else "user", limits=limits))


@get(
    "/me/export",
    guards=[guards.scope("me:read")],
    operation_class=openapi.operation(),
    responses=openapi.responses(Everything, 404),
    summary="Everything that is stored about me",
    tags=["me"],
)
async def export_me(request: Request[Any, Any, Any]) -> ASGIResponse:
    """One JSON file."""
    params.none(request)
    at = deps.of(request)
    user_id = carry.user_id(request)
    found = await at.database.read(functools.partial(export.everything, user_id=user_id, now=at.clock()))
    return respond.file(msgspec.json.encode(found), "newsintel-export.json", "application/json")


@delete(
    "/me",
    status_code=200,
    guards=[guards.session_only],
    operation_class=openapi.operation(IDEMPOTENCY_KEY),
    responses=openapi.responses(None, 202, 422),
    summary="Delete my account",
    tags=["me"],
)
async def delete_me(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Everything goes, at once and for good; sessions and keys end, and Reddit is told to end its tokens."""
    params.none(request)
    asking = principal.of(request.scope)
    mine, here = asking.session_id, deps.of(request).people
    # Before and not after: a count that is reported once the worker has deleted the user's keys would bring one back.
    here.limiter.forget(here.counted_as(asking, "")[0])

    async def gone(_: AccountDeleted) -> ASGIResponse:
        here.revocations.add(keys.revoked_session(mine))
        ended = here.cookies.ended(cookies.ACCESS, cookies.REFRESH, cookies.CSRF)
        return ASGIResponse(status_code=204, cookies=ended)

    return await carry.out(request, DeleteAccount(**carry.write_fields(request)), AccountDeleted, gone)
