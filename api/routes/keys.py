"""/me/keys: API keys, shown once."""

import functools
from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request, delete, get, post
from litestar.response.base import ASGIResponse

from api import bodies, carry, deps, openapi, params, respond
from api.auth import api_keys, guards
from api.carry import IDEMPOTENCY_KEY
from api.kinds import ROW_ID
from api.params import Parameter, PathText
from api.queries import keys as queries
from api.queries.keys import Key
from shared import keys
from shared.commands import CreateKey, KeyName, RevokeKey, Scopes
from shared.errors import BadParameterError
from shared.events import KeyCreated, Removed

KEY_ID = Parameter(
    name="key_id",
    kind=ROW_ID,
    description="The `id` of a key in the list.",
    example=1,
    place="path",
)
_ONLY_SESSIONS: Final = [guards.session_only]


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; revoked and expired ones stay in the list."""

    keys: list[Key]


class KeyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the key may do: read (the archive), me:read, me:write, operate (operators only)."""

    name: KeyName
    scopes: Scopes
    expires_at: datetime | None = None


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """key: to be sent as X-API-Key; it is shown here and never again."""

    id: int
    name: str
    scopes: list[str]
    expires_at: datetime | None
    key: str


@get(
    "/me/keys",
    guards=[guards.scope("me:read")],
    operation_class=openapi.operation(),
    responses=openapi.responses(KeyList, 304),
    summary="My API keys",
    tags=["keys"],
)
async def list_keys(request: Request[Any, Any, Any]) -> ASGIResponse:
    """With the last use of each, a second or two late."""
    params.none(request)
    found = await deps.of(request).database.read(
        functools.partial(queries.every, user_id=carry.user_id(request))
    )
    return respond.private(KeyList(keys=found), request)


@post(
    "/me/keys",
    guards=_ONLY_SESSIONS,
    operation_class=openapi.operation(IDEMPOTENCY_KEY, body=KeyBody),
    responses=openapi.responses(NewKey, 202, 409, 422, "operators_only", created=True),
    summary="Make an API key",
    tags=["keys"],
)
async def create_key(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Only a hash of it is stored."""
    params.none(request)
    at, body, fields = deps.of(request), await bodies.read(request, KeyBody), carry.write_fields(request)
    _check_expiry(body.expires_at, at.clock())
    text = api_keys.make(at.people.keyring, fields["user_id"], fields["idempotency_key"])
    command = CreateKey(
        **fields,
        name=body.name,
        scopes=sorted(set(body.scopes)),
        prefix=api_keys.prefix_of(text),
        key_hash=api_keys.digest_of(text).hex(),
        expires_at=body.expires_at,
    )

    async def shown(done: KeyCreated) -> ASGIResponse:
        new = NewKey(
            id=done.key_id,
            name=body.name,
            scopes=list(command.scopes),
            expires_at=body.expires_at,
            # Made under another session key since: that one was shown then and is known to nobody now.
            key=text if done.prefix == api_keys.prefix_of(text) else "",
        )
        headers = {"Location": f"/me/keys/{done.key_id}"}
        return respond.private(new, status=201, headers=headers)

    return await carry.out(request, command, KeyCreated, shown)


@delete(
    "/me/keys/{key_id:str}",
    status_code=200,
    guards=_ONLY_SESSIONS,
    operation_class=openapi.operation(KEY_ID, IDEMPOTENCY_KEY),
    responses=openapi.responses(None, 202, 404, 422),
    summary="Revoke an API key",
    tags=["keys"],
)
async def revoke_key(request: Request[Any, Any, Any], key_id: PathText) -> ASGIResponse:
    """It ends at once, in every process."""
    params.none(request)
    number = KEY_ID.read(key_id)

    async def gone(done: Removed) -> ASGIResponse:
        deps.of(request).people.revocations.add(keys.revoked_key(number))
        return await respond.no_content(done)

    return await carry.out(request, RevokeKey(**carry.write_fields(request), key_id=number), Removed, gone)


def _check_expiry(at: datetime | None, now: datetime) -> None:
    if at is None:
        return
    if at.tzinfo is None or at <= now:
        raise BadParameterError(
            "expires_at", "it is past or has no time zone", "use a time to come such as 2030-01-31T00:00:00Z"
        )
