"""API keys: how one looks, how it is made, and whose it is."""

import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final

from api.auth.principal import Principal, role_of
from api.auth.revocation import Revocations
from api.auth.tokens import Keyring
from api.queries.people import LiveKey
from shared import keys

# "nik_", then what a list of keys shows, then the secret: 256 bits.
_KEY: Final = re.compile(r"nik_[0-9a-f]{8}_[0-9a-f]{64}", re.ASCII)
_PREFIX: Final = len("nik_") + 8
# A revoked key ends at once through its channel; everything else about a key never changes.
REMEMBERED_SECONDS: Final = 30
REMEMBERED: Final = 10_000


class ApiKeys:
    """Finds the key in the database, once in a while."""

    def __init__(self, find: Callable[[bytes], Awaitable[LiveKey | None]], revocations: Revocations) -> None:
        self._find = find
        self._revocations = revocations
        self._known: dict[bytes, tuple[LiveKey, float]] = {}

    async def principal(self, text: str) -> Principal | None:
        """Whose key this is; None when it is no key of ours, revoked or expired."""
        if not _KEY.fullmatch(text):
            return None
        digest = digest_of(text)
        live = self._remembered(digest) or await self._looked_up(digest)
        # The index compared the hash already, byte by byte; this comparison takes the same time for every key.
        if live is None or not hmac.compare_digest(live.hash, digest):
            return None
        if keys.revoked_key(live.id) in self._revocations or _expired(live):
            return None
        return Principal(
            how="key",
            user_id=live.user_id,
            role=role_of(live.roles),
            scopes=frozenset(live.scopes),
            key_id=live.id,
        )

    def _remembered(self, digest: bytes) -> LiveKey | None:
        live, until = self._known.get(digest, (None, 0.0))
        return live if self._revocations.current and time.monotonic() < until else None

    async def _looked_up(self, digest: bytes) -> LiveKey | None:
        live = await self._find(digest)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        if live is not None:
            self._known[digest] = (live, time.monotonic() + REMEMBERED_SECONDS)
        return live


def make(keyring: Keyring, user_id: int, idempotency_key: str) -> str:
    """The key of this request: a repeated request makes the same one, so that its answer is the same too."""
    request = f"{user_id}\0{idempotency_key}"
    prefix, secret = keyring.derived("key-prefix", request)[0][:8], keyring.derived("key", request)[0]
    return f"nik_{prefix}_{secret}"


def prefix_of(text: str) -> str:
    """What may be shown of a key."""
    return text[:_PREFIX]


def digest_of(text: str) -> bytes:
    """256 random bits need no salt and no slow hash: there is nothing to guess."""
    return hashlib.sha256(text.encode()).digest()


def _expired(live: LiveKey) -> bool:
    return live.expires_at is not None and live.expires_at.timestamp() <= time.time()
