"""From a request to its Principal: API key, bearer token or cookie, in this order."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Request

from api.auth import cookies, csrf
from api.auth.api_keys import ApiKeys
from api.auth.cookies import Cookies
from api.auth.csrf import CrossSiteError, Csrf
from api.auth.principal import NOBODY, How, Principal
from api.auth.revocation import Revocations
from api.auth.tokens import Claims, TokenRefusedError, Tokens
from api.queries.people import OpenSession
from api.refusals import Refusal
from shared import keys

_BEARER = "bearer "
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="newsintel", error="invalid_token"'}


class Identify:
    """Who is asking. Wrong credentials in a header are refused; a cookie that ran out is as if it were not there."""

    def __init__(
        self,
        *,
        tokens: Tokens,
        api_keys: ApiKeys,
        cookies: Cookies,
        csrf: Csrf,
        revocations: Revocations,
        find_session: Callable[[UUID], Awaitable[OpenSession | None]],
    ) -> None:
        self._tokens = tokens
        self._api_keys = api_keys
        self._cookies = cookies
        self._csrf = csrf
        self._revocations = revocations
        self._find_session = find_session

    async def __call__(self, request: Request[Any, Any, Any]) -> Principal:
        """Raises Refusal."""
        key = request.headers.get("x-api-key")
        if key is not None:
            if found := await self._api_keys.principal(key):
                return found
            raise Refusal("credentials_refused", "The API key is not known, revoked or expired.", _CHALLENGE)
        authorization = request.headers.get("authorization", "")
        if authorization:
            return await self._bearer(authorization)
        if token := self._cookies.read(request, cookies.ACCESS):
            return await self._cookie(request, token)
        return NOBODY

    async def _bearer(self, authorization: str) -> Principal:
        if not authorization.lower().startswith(_BEARER):
            raise Refusal("credentials_refused", "Only the scheme Bearer is understood.", _CHALLENGE)
        try:
            return await self._session(authorization[len(_BEARER) :].strip(), "bearer")
        except TokenRefusedError:
            raise Refusal(
                "credentials_refused", "The access token is not valid or has run out.", _CHALLENGE
            ) from None

    async def _cookie(self, request: Request[Any, Any, Any], token: str) -> Principal:
        try:
            principal = await self._session(token, "cookie")
        except TokenRefusedError:
            return NOBODY
        if request.method not in csrf.SAFE_METHODS:
            try:
                self._csrf.check(request.headers, principal.session_id or "")
            except CrossSiteError as error:
                raise Refusal("cross_site", f"Refused because {error}.") from None
        return principal

    async def _session(self, token: str, how: How) -> Principal:
        claims = self._tokens.check(token)
        if keys.revoked_session(claims.sid) in self._revocations or not await self._open(claims):
            raise TokenRefusedError("revoked")
        return Principal(how=how, user_id=int(claims.sub), role=claims.role, session_id=claims.sid)

    async def _open(self, claims: Claims) -> bool:
        """While the channel cannot be followed the database says whether the session is still open."""
        if self._revocations.current:
            return True
        found = await self._find_session(UUID(claims.sid))
        return found is not None and str(found.user_id) == claims.sub
