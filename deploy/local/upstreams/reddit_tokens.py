"""Reddit's codes and tokens: who holds them, for what, and until when."""

import base64
import secrets
from dataclasses import dataclass

CODE_BYTES = 20
REFRESH_BYTES = 32
ACCESS_BYTES = 540
"""Access tokens became JWT-sized: base64 of this is about 720 characters."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user (or only an app, without one) allowed a client."""

    client_id: str
    scope: str
    user: str | None = None
    permanent: bool = False
    device_id: str | None = None

    def allows(self, scope: str) -> bool:
        """Whether one scope is among the granted ones."""
        return scope in self.scope.split() or self.scope == "*"


@dataclass(frozen=True, slots=True)
class Code:
    """An authorisation code, good once and not for long."""

    grant: Grant
    redirect_uri: str
    expires: float


@dataclass(frozen=True, slots=True)
class Access:
    """An access token's meaning."""

    grant: Grant
    expires: float
    refresh_token: str | None


class TokenStore:
    """All codes and tokens in memory."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Grant] = {}

    def issue_code(self, grant: Grant, redirect_uri: str, expires: float) -> str:
        """A new code."""
        code = secrets.token_urlsafe(CODE_BYTES)
        self._codes[code] = Code(grant, redirect_uri, expires)
        return code

    def redeem_code(self, code: str, client_id: str, redirect_uri: str, now: float) -> Grant | None:
        """The code's grant, once; None if it is unknown, used, expired, or somebody else's."""
        found = self._codes.get(code)
        if found is None or found.grant.client_id != client_id:
            return None
        del self._codes[code]
        return found.grant if found.redirect_uri == redirect_uri and now < found.expires else None

    def issue_access(self, grant: Grant, expires: float, refresh_token: str | None = None) -> str:
        """A new access token, long like the real ones."""
        parts = ("header", secrets.token_bytes(ACCESS_BYTES), secrets.token_bytes(REFRESH_BYTES))
        token = ".".join(_base64(part.encode() if isinstance(part, str) else part) for part in parts)
        self._access[token] = Access(grant, expires, refresh_token)
        return token

    def issue_refresh(self, grant: Grant) -> str:
        """A new refresh token; it does not expire."""
        token = f"{secrets.randbelow(10**13)}-{secrets.token_urlsafe(REFRESH_BYTES)}"
        self._refresh[token] = grant
        return token

    def access(self, token: str, now: float) -> Access | None:
        """What a valid access token stands for."""
        found = self._access.get(token)
        return found if found is not None and now < found.expires else None

    def refresh(self, token: str, client_id: str) -> Grant | None:
        """What a valid refresh token of this client stands for."""
        grant = self._refresh.get(token)
        return grant if grant is not None and grant.client_id == client_id else None

    def owner(self, token: str) -> str | None:
        """Which client a token belongs to."""
        if token in self._access:
            return self._access[token].grant.client_id
        return self._refresh[token].client_id if token in self._refresh else None

    def revoke(self, token: str) -> None:
        """End a token; ending a refresh token ends its access tokens."""
        self._access.pop(token, None)
        if self._refresh.pop(token, None) is not None:
            self._access = {name: one for name, one in self._access.items() if one.refresh_token != token}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
