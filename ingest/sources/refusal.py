"""Remembers that a source refused our key: reported once, then no further call with that key for a while."""

import hashlib

import redis
import structlog

from shared import keys
from shared.errors import KeyRefusedError

# Someone may have unlocked the key on the source's own site; a new key is tried at once in any case.
_SECONDS = 3600

_log = structlog.get_logger("sources")


def fingerprint(*secrets: str) -> str:
    """A short name for credentials that does not give them away."""
    return hashlib.sha256("\0".join(secrets).encode()).hexdigest()[:16]


class Refusal:
    """One source and one key. Every method raises redis.RedisError when Redis is away."""

    def __init__(self, source: str, client: redis.Redis, key: str) -> None:
        """key: a fingerprint."""
        self._source = source
        self._client = client
        self._name = keys.refused(source, key)

    def check(self) -> None:
        """Raises KeyRefusedError when this key was refused within the last hour."""
        why: bytes | None = self._client.get(self._name)  # type: ignore[assignment]
        if why is not None:
            raise KeyRefusedError(self._source, why.decode())

    def remember(self, error: KeyRefusedError) -> None:
        """Note it for all workers; whoever is first reports it."""
        if self._client.set(self._name, error.message, ex=_SECONDS, nx=True):
            _log.error("source_key_refused", source=self._source, reason=error.message)
