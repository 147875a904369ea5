"""Signing in with Reddit: to the consent page, and back with a code that `ingest` exchanges."""

import uuid
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import carry, deps, hops, kinds, openapi, params, people
from api.auth import cookies, state
from api.auth.state import Begun, StateRefusedError
from api.deps import Deps
from api.kinds import Choice, Text
from api.params import Parameter
from api.refusals import Refusal
from api.routes.sessions import Tokens, begun
from shared import log
from shared.bus import AnswerPendingError
from shared.commands import ExchangeCode
from shared.events import SignedIn

CALLBACK: Final = "/auth/reddit/callback"
# Reading the name is all that signing in needs.
_SCOPE: Final = "identity"
LONGEST_DEVICE: Final = 200

LOGIN = (
    Parameter(
        name="return_to",
        kind=Text(longest=state.LONGEST_RETURN),
        description="Path of this site to go to afterwards.",
        example="/me/saved",
    ),
    Parameter(
        name="answer",
        kind=Choice(names=("cookies", "tokens")),
        description="`cookies` for browsers; `tokens`: the callback answers with tokens as JSON, for programs.",
        example="cookies",
        default="cookies",
    ),
)
RETURNED = (
    Parameter(name="state", kind=Text(longest=100), description="As it was sent.", example="x"),
    Parameter(name="code", kind=Text(longest=2000), description="To be exchanged, once.", example="x"),
    Parameter(
        name="error", kind=Text(longest=100), description="Why there is no code.", example="access_denied"
    ),
)


@get(
    "/auth/reddit/login",
    operation_class=openapi.operation(*LOGIN),
    responses=openapi.responses(None, "sign_in_unavailable", empty=303, guarded=False),
    summary="Sign in with Reddit",
    tags=["signing in"],
)
async def login(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Leads to Reddit's consent page. The sign-in has ten minutes and belongs to this browser alone."""
    values = params.parse(request.scope["query_string"], LOGIN)
    at = deps.of(request)
    if not at.people.keyring.configured or not at.settings.reddit_client_id:
        raise Refusal("sign_in_unavailable", "Signing in with Reddit is not set up here.")
    return_to = state.return_path(values["return_to"])
    name, browser = await at.people.sign_ins.begin(return_to, values["answer"])
    query = {
        "client_id": at.settings.reddit_client_id,
        "response_type": "code",
        "state": name,
        "redirect_uri": _callback_url(at),
        "duration": "permanent",
        "scope": _SCOPE,
    }
    return _redirect(
        f"{at.settings.reddit_auth_url}/api/v1/authorize?{urlencode(query)}",
        [at.people.cookies.state(browser, state.SECONDS)],
    )


@get(
    CALLBACK,
    operation_class=openapi.operation(*RETURNED),
    responses=openapi.responses(
        Tokens, "sign_in_refused", "sign_in_unavailable", "writes_unavailable", "write_failed", guarded=False
    ),
    summary="Where Reddit sends people back to",
    tags=["signing in"],
)
async def callback(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Begins a session: a new one whatever the browser had before, so that nobody can have planted it."""
    values = params.parse(request.scope["query_string"], RETURNED)
    at = deps.of(request)
    begun_here = await _begun(request, at, values["state"] or "")
    if values["error"] or not values["code"]:
        raise Refusal("sign_in_refused", _why(values["error"]))
    return await _signed_in(request, at, begun_here, values["code"])


async def _begun(request: Request[Any, Any, Any], at: Deps, name: str) -> Begun:
    browser = at.people.cookies.read(request, cookies.STATE)
    try:
        return await at.people.sign_ins.take(name, browser)
    except StateRefusedError as error:
        raise Refusal("sign_in_refused", f"This sign-in cannot be finished: {error}.") from None


def _why(error: str | None) -> str:
    if error == "access_denied":
        return "You declined at Reddit; nothing was stored."
    return "Reddit sent no code: " + (kinds.quoted(error) if error else "it gave no reason")


async def _signed_in(request: Request[Any, Any, Any], at: Deps, begun_here: Begun, code: str) -> ASGIResponse:
    session_id = uuid.uuid4()
    refresh = people.first_refresh_token(session_id)
    command = ExchangeCode(
        code=code,
        redirect_uri=_callback_url(at),
        session_id=session_id,
        refresh_hash=people.hashed(refresh),
        device=_device(request),
        address_hash=_address(request, at),
        request_id=log.request_id(),
    )
    patience = at.settings.cold_wait_max_seconds
    try:
        await carry.ask(request, command, SignedIn, str(uuid.uuid4()), patience)
    except AnswerPendingError:
        raise Refusal("sign_in_unavailable", "Reddit takes too long to answer.") from None
    answer = await begun(at, session_id, refresh)
    if begun_here.answer == "tokens":
        return answer.as_json(at.people.cookies.ended(cookies.STATE))
    return _redirect(
        begun_here.return_to, [*answer.cookies(at.people), *at.people.cookies.ended(cookies.STATE)]
    )


def _callback_url(at: Deps) -> str:
    """From the settings and never from a Host header, which is the caller's."""
    return at.settings.origin + CALLBACK


def _device(request: Request[Any, Any, Any]) -> str:
    agent = request.headers.get("user-agent", "")
    return "".join(each for each in agent if each.isprintable())[:LONGEST_DEVICE]


def _address(request: Request[Any, Any, Any], at: Deps) -> str:
    """Keyed: the few addresses that there are could all be hashed and compared."""
    return at.people.keyring.derived("address", hops.client(request.scope, at.people.trusted))[0]


def _redirect(address: str, made: list[Any]) -> ASGIResponse:
    headers = {"Location": address, "Cache-Control": "no-store"}
    return ASGIResponse(status_code=303, headers=headers, cookies=made)
