"""Sessions: renewed with a refresh token, ended by signing out."""

import re
import time
import uuid
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.datastructures import Cookie
from litestar.response.base import ASGIResponse

from api import bodies, carry, deps, openapi, params, people
from api.auth import cookies, guards, principal
from api.auth.csrf import CrossSiteError
from api.carry import IDEMPOTENCY_KEY
from api.deps import Deps
from api.kinds import Flag
from api.params import Parameter
from api.people import People
from api.refusals import Refusal
from shared import keys, log
from shared.bus import AnswerPendingError
from shared.commands import EndSession, RefreshSession
from shared.events import SessionRefreshed, SessionsEnded

_REFRESH_TOKEN: Final = re.compile(r"([0-9a-f]{32})\.[0-9a-f]{64}", re.ASCII)
_NO_STORE: Final = {"Cache-Control": "no-store"}

EVERYWHERE = Parameter(
    name="everywhere",
    kind=Flag(bare=True),
    description="End all sessions of the user, and take back what Reddit granted.",
    example="true",
    default=False,
)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """expires_in: seconds that the access token is good for; refresh_token: for one use at /auth/refresh."""

    access_token: str
    refresh_token: str
    expires_in: int
    session_expires_at: datetime
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    """For browsers, whose tokens are in cookies."""

    expires_in: int
    session_expires_at: datetime
    csrf_token: str


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """count: sessions that were open."""

    count: int


class RefreshBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """refresh_token: of a program; a browser sends its cookie."""

    refresh_token: str | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller is given."""

    tokens: Tokens
    csrf: str

    @classmethod
    def of(cls, at: Deps, session_id: UUID, session: Any, refresh: str) -> Self:
        access = at.people.tokens.issue(
            user_id=session.user_id, session_id=str(session_id), role=principal.role_of(session.roles)
        )
        tokens = Tokens(
            access_token=access,
            refresh_token=refresh,
            expires_in=at.people.tokens.seconds,
            session_expires_at=session.expires_at,
        )
        return cls(tokens=tokens, csrf=at.people.csrf.token(str(session_id)))

    def cookies(self, at: People) -> list[Cookie]:
        seconds = max(1, int(self.tokens.session_expires_at.timestamp() - time.time()))
        tokens = self.tokens
        return at.cookies.session(
            access=tokens.access_token, refresh=tokens.refresh_token, csrf=self.csrf, seconds=seconds
        )

    def as_json(self, made: list[Cookie]) -> ASGIResponse:
        return ASGIResponse(body=msgspec.json.encode(self.tokens), headers=_NO_STORE, cookies=made)

    def as_cookies(self, at: People) -> ASGIResponse:
        told = Renewed(
            expires_in=self.tokens.expires_in,
            session_expires_at=self.tokens.session_expires_at,
            csrf_token=self.csrf,
        )
        return ASGIResponse(body=msgspec.json.encode(told), headers=_NO_STORE, cookies=self.cookies(at))


async def begun(at: Deps, session_id: UUID, refresh: str) -> Session:
    """The tokens of an open session, as the database knows it. Raises Refusal."""
    session = await at.people.session(session_id)
    if session is None:
        raise Refusal("credentials_refused", "This session has ended.")
    return Session.of(at, session_id, session, refresh)


@post(
    "/auth/refresh",
    status_code=200,
    operation_class=openapi.operation(body=RefreshBody),
    responses=openapi.responses(Tokens, "cross_site", "writes_unavailable", "write_failed", guarded=False),
    summary="Renew a session",
    tags=["signing in"],
)
async def refresh(request: Request[Any, Any, Any]) -> ASGIResponse:
    """A refresh token is good once. Using it again ends the session: one of the two who had it is a thief."""
    params.none(request)
    at = deps.of(request)
    given = (await bodies.read(request, RefreshBody)).refresh_token
    presented = given or at.people.cookies.read(request, cookies.REFRESH) or ""
    found = _REFRESH_TOKEN.fullmatch(presented)
    if found is None:
        raise Refusal("credentials_refused", "There is no refresh token that could be one of ours.")
    session_id = UUID(found[1])
    if given is None:
        _same_site(request, at, session_id)
    following = at.people.next_refresh_token(session_id, presented)
    await _rotated(request, session_id, presented, following)
    answer = await begun(at, session_id, following)
    return answer.as_json([]) if given else answer.as_cookies(at.people)


def _same_site(request: Request[Any, Any, Any], at: Deps, session_id: UUID) -> None:
    try:
        at.people.csrf.check(request.headers, str(session_id))
    except CrossSiteError as error:
        raise Refusal("cross_site", f"Refused because {error}.") from None


async def _rotated(request: Request[Any, Any, Any], session_id: UUID, presented: str, following: str) -> None:
    command = RefreshSession(
        session_id=session_id,
        presented_hash=people.hashed(presented),
        new_hash=people.hashed(following),
        request_id=log.request_id(),
    )
    patience = deps.of(request).settings.write_wait_seconds
    try:
        await carry.ask(request, command, SessionRefreshed, str(uuid.uuid4()), patience)
    except AnswerPendingError:
        raise Refusal(
            "writes_unavailable", "Renewing takes too long; try again with the same token."
        ) from None


@post(
    "/auth/logout",
    status_code=200,
    guards=[guards.session_only],
    operation_class=openapi.operation(EVERYWHERE, IDEMPOTENCY_KEY),
    responses=openapi.responses(Ended, 202, 404, 422),
    summary="Sign out",
    tags=["signing in"],
)
async def logout(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Ends this session at once, in every process; with `everywhere` all of them and Reddit's tokens."""
    everywhere = params.parse(request.scope["query_string"], (EVERYWHERE,))["everywhere"]
    mine = principal.of(request.scope).session_id
    command = EndSession(
        **carry.write_fields(request), session_id=UUID(mine) if mine else None, everywhere=everywhere
    )

    async def gone(done: SessionsEnded) -> ASGIResponse:
        if mine:
            deps.of(request).people.revocations.add(keys.revoked_session(mine))
        ended = deps.of(request).people.cookies.ended(cookies.ACCESS, cookies.REFRESH, cookies.CSRF)
        body = msgspec.json.encode(Ended(count=done.count))
        return ASGIResponse(body=body, headers=_NO_STORE, cookies=ended)

    return await carry.out(request, command, SessionsEnded, gone)
