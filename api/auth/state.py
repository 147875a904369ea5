"""Sign-ins under way: the OAuth `state`, random, for one browser, for one use, for ten minutes."""

import hashlib
import hmac
import re
import secrets
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
import redis
import redis.asyncio

from shared import keys
from shared.errors import BadParameterError, DependencyError

SECONDS: Final = 600
DEFAULT_RETURN: Final = "/me"
LONGEST_RETURN: Final = 500
# What `secrets.token_urlsafe` gives; nothing else is worth a look into Redis.
_STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
# Printable ASCII; browsers read a backslash as a slash and drop tabs and line breaks: "/\\evil.example" leads away.
_PATH: Final = re.compile(r"/(?!/)[!-\[\]-~]*", re.ASCII)


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """browser: hash of the cookie's value; answer: cookies and a redirect, or the tokens as JSON for a program."""

    browser: str
    return_to: str
    answer: Literal["cookies", "tokens"]


class StateRefusedError(Exception):
    """The sign-in was not begun here, not by this browser, not lately, or is finished."""


class SignIns:
    """Begins and takes them; Redis is needed, because the callback may reach another process."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client

    async def begin(self, return_to: str, answer: Literal["cookies", "tokens"]) -> tuple[str, str]:
        """The state for the address and the secret for the browser's cookie. Raises DependencyError."""
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        begun = Begun(browser=_hash(browser), return_to=return_to, answer=answer)
        try:
            await self._client.set(keys.sign_in(state), msgspec.json.encode(begun), ex=SECONDS)
        except redis.RedisError as error:
            raise DependencyError(f"cannot begin a sign-in: {error}") from error
        return state, browser

    async def take(self, state: str, browser: str | None) -> Begun:
        """Ends it, also when the browser is the wrong one: a guess has one try. Raises StateRefusedError."""
        if not _STATE.fullmatch(state):
            raise StateRefusedError("no state")
        try:
            raw: Any = await self._client.getdel(keys.sign_in(state))
        except redis.RedisError as error:
            raise DependencyError(f"cannot finish a sign-in: {error}") from error
        if raw is None:
            raise StateRefusedError("unknown, used or expired")
        begun = msgspec.json.decode(raw, type=Begun)
        if browser is None or not hmac.compare_digest(_hash(browser), begun.browser):
            raise StateRefusedError("begun by another browser")
        return begun


def return_path(text: str | None) -> str:
    """A path of this site. Raises BadParameterError for anything that could lead elsewhere."""
    if not text:
        return DEFAULT_RETURN
    parts = urlsplit(text) if _PATH.fullmatch(text) and len(text) <= LONGEST_RETURN else None
    if parts is None or parts.scheme or parts.netloc:
        raise BadParameterError(
            "return_to", "it is not a path of this site", f"use a path such as {DEFAULT_RETURN}"
        )
    return text


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
