"""The breaker of one source, in Redis: what keeps failing is left alone, then probed by one call of all workers.

pybreaker's Redis storage shares the counters, but in its half-open state every process sends a probe of its own and
the failures are counted and compared in separate commands; hence two short scripts.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import redis

from shared import keys
from shared.errors import CircuitOpenError

# Longer than the longest call, so that a probe in flight stays the only one; a worker that dies with it frees it.
_PROBE_MS = 60_000

# KEYS: circuit. ARGV: ms for which a probe is the only one. Returns {1 closed | 2 you are the probe | 0, unix ms, why}.
_ADMIT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HMGET', KEYS[1], 'open_until', 'probe_until', 'why')
if not stored[1] then return {1} end
local until_ = math.max(tonumber(stored[1]), tonumber(stored[2] or '0'))
if now < until_ then return {0, until_, stored[3]} end
redis.call('HSET', KEYS[1], 'probe_until', string.format('%.0f', now + ARGV[1]))
redis.call('PEXPIRE', KEYS[1], ARGV[1] * 2)
return {2}
"""

# KEYS: circuit. ARGV: failures that open it, ms it stays open, why. A call that began before it opened and fails later
# does not keep it open longer.
_FAILED = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
redis.call('HSET', KEYS[1], 'why', ARGV[3])
redis.call('HDEL', KEYS[1], 'probe_until')
if failures >= tonumber(ARGV[1]) and now >= tonumber(redis.call('HGET', KEYS[1], 'open_until') or '0') then
    redis.call('HSET', KEYS[1], 'open_until', string.format('%.0f', now + ARGV[2]))
end
redis.call('PEXPIRE', KEYS[1], math.max(ARGV[2] * 10, 600000))
return failures
"""


class State(NamedTuple):
    """name: closed, open or half_open; why: the last failure; until: when an open one is tried again."""

    name: str
    why: str | None = None
    until: datetime | None = None


class Circuit:
    """Every method raises redis.RedisError when Redis is away."""

    def __init__(self, source: str, client: redis.Redis, *, failures: int, seconds: float) -> None:
        self._source = source
        self._client = client
        self._failures = failures
        self._open_ms = round(seconds * 1000)
        self._admit = client.register_script(_ADMIT)
        self._failed = client.register_script(_FAILED)

    def admit(self) -> bool:
        """Let a call through; True when it is the probe of a half-open circuit. Raises CircuitOpenError."""
        verdict, *rest = self._admit(keys=[keys.circuit(self._source)], args=[_PROBE_MS])
        if verdict:
            return bool(verdict == 2)  # noqa: PLR2004 - the script's own code, explained beside it
        until = datetime.fromtimestamp(rest[0] / 1000, UTC)
        raise CircuitOpenError(
            self._source,
            f"left alone until {until:%H:%M:%S} UTC because it kept failing; last: {rest[1].decode()}",
            retry_at=until,
        )

    def look(self, now: datetime) -> "State":
        """How it is at this moment, for status pages."""
        stored: Any = self._client.hmget(keys.circuit(self._source), ["open_until", "why"])
        if stored[0] is None:
            return State("closed")
        until = datetime.fromtimestamp(int(stored[0]) / 1000, UTC)
        why = stored[1].decode() if stored[1] else None
        return State("open", why, until) if until > now else State("half_open", why)

    def failed(self, why: str) -> None:
        """A call ended in a failure of the source."""
        self._failed(keys=[keys.circuit(self._source)], args=[self._failures, self._open_ms, why])

    def succeeded(self) -> None:
        """The source answered sensibly."""
        self._client.delete(keys.circuit(self._source))

    def abandon_probe(self) -> None:
        """The probe was not made after all; the next caller may."""
        self._client.hdel(keys.circuit(self._source), "probe_until")
