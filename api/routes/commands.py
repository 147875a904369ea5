"""/commands/{id}: what became of a write that took too long to wait for."""

from typing import Any, Literal

import msgspec
import redis
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import carry, deps, openapi, params, respond
from api.auth import guards
from api.kinds import Text
from api.params import Parameter, PathText
from shared import keys
from shared.errors import DependencyError, NotFoundError
from shared.events import Answer

COMMAND_ID = Parameter(
    name="command_id",
    kind=Text(longest=100),
    description="From the Location of a 202.",
    example="0f2e",
    place="path",
)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """pending: not carried out yet, or longer than ten minutes ago; result: of what is done; code: why it failed.

    A request that is repeated with its Idempotency-Key always gets its answer.
    """

    id: str
    status: Literal["pending", "done", "failed"]
    result: Any = None
    code: str | None = None


@get(
    "/commands/{command_id:str}",
    guards=[guards.signed_in],
    operation_class=openapi.operation(COMMAND_ID),
    responses=openapi.responses(Status, 404),
    summary="What became of a write",
    tags=["me"],
)
async def command(request: Request[Any, Any, Any], command_id: PathText) -> ASGIResponse:
    """For who sent it; to everybody else there is no such thing."""
    params.none(request)
    at = deps.of(request)
    if not at.people.owns(carry.user_id(request), command_id):
        raise NotFoundError("there is no such command")
    try:
        raw: Any = await at.redis.get(keys.answer(command_id))
    except redis.RedisError as error:
        raise DependencyError(f"cannot read an answer: {error}") from error
    if raw is None:
        return respond.private(Status(id=command_id, status="pending"), headers={"Retry-After": "1"})
    answer = msgspec.json.decode(raw, type=Answer)
    if answer.error:
        return respond.private(Status(id=command_id, status="failed", code=answer.error))
    return respond.private(Status(id=command_id, status="done", result=answer.value))
