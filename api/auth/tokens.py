"""Access tokens: JWT signed with HMAC-SHA256 under rotating keys; the algorithm is ours to choose, never the token's.

HMAC, because the process that checks a token is the one that made it: a public key would have no reader.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
import msgspec

from api.auth.principal import Role
from shared.clock import Clock
from shared.errors import ConfigError

ALGORITHM: Final = "HS256"
ISSUER: Final = "newsintel"
AUDIENCE: Final = "newsintel-api"
# RFC 7518: an HMAC key has at least the length of the hash.
SHORTEST_KEY: Final = 32
# A token is about 300 characters; nothing longer is worth parsing.
LONGEST_TOKEN: Final = 2_000
# What PyJWT leaves out when a claim is missing is checked all the same.
_REQUIRED: Final = ["exp", "iat", "iss", "aud", "sub", "sid"]
_SETTING: Final = "NEWSINTEL_SESSION_KEYS"


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says. sub: user id; sid: session id; role: at the time of issue."""

    sub: str
    sid: str
    role: Role
    exp: int


class TokenRefusedError(Exception):
    """Not ours, not whole, or not valid any more."""


class Keyring:
    """The first key signs, all verify: a new one is put in front, an old one removed when its tokens have expired."""

    def __init__(self, text: str) -> None:
        self._keys = dict(_read(each.strip()) for each in text.split(",") if each.strip())
        self.configured = bool(self._keys)
        if not self.configured:
            # Nobody can sign in; what is derived meanwhile holds for this process.
            self._keys = {"none": secrets.token_bytes(SHORTEST_KEY)}

    @property
    def signing(self) -> tuple[str, bytes]:
        return next(iter(self._keys.items()))

    def get(self, key_id: str) -> bytes | None:
        return self._keys.get(key_id)

    def derived(self, purpose: str, text: str) -> list[str]:
        """What each key makes of a text; the first is the one to hand out, all are accepted."""
        message = f"{purpose}\0{text}".encode()
        return [hmac.new(key, message, hashlib.sha256).hexdigest() for key in self._keys.values()]


def new_key() -> str:
    """An entry for the setting."""
    return f"{secrets.token_hex(4)}:{base64.urlsafe_b64encode(secrets.token_bytes(SHORTEST_KEY)).decode()}"


def _read(entry: str) -> tuple[str, bytes]:
    key_id, _, encoded = entry.partition(":")
    try:
        key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (ValueError, binascii.Error):
        key = b""
    if not key_id or len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"{_SETTING}: each entry is <id>:<base64url of {SHORTEST_KEY} random bytes or more>, separated by commas"
        )
    return key_id, key


class Tokens:
    """Makes and checks access tokens."""

    def __init__(self, keys: Keyring, clock: Clock, *, seconds: int) -> None:
        self._keys = keys
        self._clock = clock
        self.seconds = seconds

    def issue(self, *, user_id: int, session_id: str, role: Role) -> str:
        key_id, key = self._keys.signing
        now = self._clock()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": session_id,
            "role": role,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(seconds=self.seconds)).timestamp()),
        }
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key_id})

    def check(self, token: str) -> Claims:
        """Raises TokenRefusedError."""
        if len(token) > LONGEST_TOKEN:
            raise TokenRefusedError("too long")
        try:
            key = self._keys.get(jwt.get_unverified_header(token).get("kid", ""))
            if key is None:
                raise TokenRefusedError("unknown key id")
            return self._claims(jwt.decode(token, key, algorithms=[ALGORITHM], **_checks()))
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, TypeError) as error:
            raise TokenRefusedError(type(error).__name__) from None

    def _claims(self, decoded: dict[str, Any]) -> Claims:
        claims = msgspec.convert(decoded, Claims)
        # By our own clock, which tests can move; PyJWT would read the machine's.
        if datetime.fromtimestamp(claims.exp, tz=self._clock().tzinfo) <= self._clock():
            raise TokenRefusedError("expired")
        if not claims.sub.isdecimal():
            raise TokenRefusedError("no user")
        return claims


def _checks() -> dict[str, Any]:
    options = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False}
    return {"audience": AUDIENCE, "issuer": ISSUER, "options": options}
