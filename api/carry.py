"""A write: the command goes to `ingest`, its effect is the answer; 202 when the worker is slow or away."""

import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse

from api import deps, openapi, respond
from api.auth import principal
from api.kinds import Text
from api.params import Parameter
from api.refusals import Refusal
from shared import log
from shared.bus import AnswerPendingError, CommandFailedError
from shared.commands import Command
from shared.errors import BadParameterError, DependencyError, NotFoundError
from shared.events import Refusal as Code

T = TypeVar("T")

_KEY: Final = re.compile(r'"?([\x21\x23-\x7e][\x20\x21\x23-\x7e]{0,199})"?', re.ASCII)
_VERSION: Final = re.compile(r'"v(\d{1,9})(?:-[0-9a-f]+)?"', re.ASCII)
# No version has this number: an If-Match that cannot be one of ours matches nothing.
_NEVER: Final = 2**31 - 1

IDEMPOTENCY_KEY: Final = Parameter(
    name="Idempotency-Key",
    kind=Text(longest=200),
    description="Repeats of one request carry the same key: they have one effect and one answer.",
    example="8e03978e-40d5-43dd-bc93-6894a57f9324",
    place="header",
)
IF_MATCH: Final = Parameter(
    name="If-Match",
    kind=Text(longest=200),
    description="The ETag that was read: the change is refused (412) when somebody changed it meanwhile.",
    example='"v3"',
    place="header",
)

# What a refused command is to the caller: our code, and the sentence.
_REFUSED: Final[dict[str, tuple[str, str]]] = {
    Code.VERSION_MISMATCH: ("changed_meanwhile", "What you want to change is not what you read."),
    Code.ALREADY_SAVED: ("conflict", "It is saved already, with other notes or tags; edit that one."),
    Code.TOO_MANY: ("conflict", "You have as many of these as one may have."),
    Code.NOTES_FULL: ("conflict", "Your notes would be too long together; shorten some first."),
    Code.KEY_EXISTS: ("conflict", "This very key exists already."),
    Code.TOO_LARGE: ("conflict", "That is too much at once; choose a shorter time or fewer sources."),
    Code.NO_BUDGET: (
        "conflict",
        "The cadence needs all calls of the source; pause topics or pull them less often.",
    ),
    Code.NOTHING_TO_DO: ("conflict", "There is nothing to fetch; /ops/backfills/plan says why."),
    Code.WRONG_STATE: ("conflict", "It is over, or not in a state for that."),
    Code.ROLE_MISSING: ("operators_only", "Only an operator may do this."),
    Code.IDEMPOTENCY_MISMATCH: (
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request.",
    ),
    Code.ACCOUNT_GONE: ("credentials_refused", "This account was deleted."),
    Code.CODE_REFUSED: (
        "sign_in_refused",
        "Reddit did not accept the code: it is used, too old or not its own.",
    ),
    Code.ACCOUNT_SUSPENDED: ("sign_in_refused", "Reddit has suspended this account."),
    Code.REDDIT_UNAVAILABLE: ("sign_in_unavailable", "Reddit did not answer."),
    Code.NOT_CONFIGURED: ("sign_in_unavailable", "Signing in with Reddit is not set up here."),
    Code.SESSION_ENDED: ("credentials_refused", "This session has ended."),
    Code.TOKEN_REUSED: (
        "credentials_refused",
        "This refresh token was used before; the session was ended to be safe.",
    ),
}


def idempotency_key(request: Request[Any, Any, Any]) -> str:
    """The caller's, or a new one. Raises BadParameterError."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return uuid.uuid4().hex
    found = _KEY.fullmatch(given.strip())
    if found is None:
        raise BadParameterError(
            "Idempotency-Key", "it is not a key", "use 1 to 200 printable ASCII characters"
        )
    return found[1]


def if_match(request: Request[Any, Any, Any]) -> int | None:
    """The version that the caller has seen; None when any will do."""
    given = request.headers.get("if-match", "*").strip()
    if given == "*":
        return None
    found = _VERSION.fullmatch(given)
    return int(found[1]) if found else _NEVER


def write_fields(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """What every command of a user says."""
    return {
        "user_id": user_id(request),
        "idempotency_key": idempotency_key(request),
        "request_id": log.request_id(),
    }


def user_id(request: Request[Any, Any, Any]) -> int:
    """Of a route behind guards.signed_in."""
    found = principal.of(request.scope).user_id
    if found is None:
        raise Refusal("not_signed_in", "This address is for signed-in users.")
    return found


async def out(
    request: Request[Any, Any, Any],
    command: Command,
    kind: type[T],
    then: Callable[[T], Awaitable[ASGIResponse]],
) -> ASGIResponse:
    """Send a user's command, wait, and answer with `then`; 202 with the address to ask again when it takes long."""
    at = deps.of(request)
    command_id = at.people.command_id(user_id(request))
    preferred = respond.wait_preferred(request)
    patience = at.settings.write_wait_seconds if preferred is None else preferred
    try:
        done = await ask(request, command, kind, command_id, min(patience, at.settings.cold_wait_max_seconds))
    except AnswerPendingError:
        body = openapi.Pending(id=command_id)
        headers = {"Location": f"/commands/{command_id}", "Retry-After": "1", "Cache-Control": "no-store"}
        return ASGIResponse(body=msgspec.json.encode(body), status_code=202, headers=headers)
    return await then(done)


async def ask(
    request: Request[Any, Any, Any], command: Command, kind: type[T], command_id: str, seconds: float
) -> T:
    """Raises AnswerPendingError, and what the caller is to be told."""
    try:
        return await deps.of(request).people.bus.ask(command, kind, seconds=seconds, command_id=command_id)
    except CommandFailedError as error:
        raise refused(str(error)) from None
    except DependencyError:
        raise Refusal(
            "writes_unavailable", "The queue did not take the request; nothing was changed."
        ) from None


def refused(code: str) -> Exception:
    """What the caller of a refused command is told."""
    if code == Code.NOT_FOUND:
        return NotFoundError("there is no such thing, or it is not yours")
    if code == Code.IN_THE_FUTURE:
        return BadParameterError("until", "it is in the future", "use a time that is over")
    if code == Code.BAD_PREFERENCE:
        return BadParameterError("value", "it is not allowed", "/docs shows what is")
    ours, detail = _REFUSED.get(code, ("write_failed", "The worker gave it up; nothing was changed."))
    return Refusal(ours, detail)
