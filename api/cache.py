"""The Redis tier: answers as the bytes that go out, dropped by `ingest` as soon as a new article changes them."""

import asyncio
import hashlib
from typing import Any, Final

import msgspec
import redis
import redis.asyncio
import structlog

from shared import keys
from shared.clock import Clock
from shared.metrics import Metrics

# Stored before the body: the entity tag (32 hex characters) and the unix second until which the answer lives (10).
_TAG = 32
_HEAD = _TAG + 10

# Stores nothing when articles were published after `generation` was read: they may be missing in the answer.
# KEYS: generation, answer, standing queries, variants; ARGV: generation, bytes, seconds, query, digest, unix expiry.
_STORE: Final = """
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
local until_now = tonumber(redis.call('HGET', KEYS[3], ARGV[4]) or '0')
if until_now < tonumber(ARGV[6]) then redis.call('HSET', KEYS[3], ARGV[4], ARGV[6]) end
redis.call('SADD', KEYS[4], ARGV[5])
if redis.call('TTL', KEYS[4]) < tonumber(ARGV[3]) then redis.call('EXPIRE', KEYS[4], ARGV[3]) end
return 1
"""

_log = structlog.get_logger("cache")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out: body, strong entity tag, and for how many seconds it will be kept (0: not kept)."""

    body: bytes
    tag: str
    ttl: int


def digest(value: Any) -> str:
    """32 hex characters that name a canonical request."""
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=16).hexdigest()


def answer(body: bytes) -> Answer:
    return Answer(body=body, tag=hashlib.blake2b(body, digest_size=_TAG // 2).hexdigest(), ttl=0)


class Cache:
    """A courtesy: when Redis is away every look is a miss, every store is forgotten, and both are counted."""

    def __init__(self, client: redis.asyncio.Redis, clock: Clock, metrics: Metrics) -> None:
        self._client = client
        self._clock = clock
        self._metrics = metrics
        self._store = client.register_script(_STORE)

    async def get(self, name: str) -> Answer | None:
        try:
            raw: Any = await self._client.get(keys.search(name))
        except redis.RedisError as error:
            self._failed("get", error)
            return None
        if raw is None:
            return None
        left = int(raw[_TAG:_HEAD]) - int(self._clock().timestamp())
        return Answer(body=raw[_HEAD:], tag=raw[:_TAG].decode(), ttl=max(0, left))

    async def generation(self) -> str | None:
        """The count of publications: read it before the database, hand it to `put`. None when Redis is away."""
        try:
            raw: Any = await self._client.get(keys.GENERATION)
        except redis.RedisError as error:
            self._failed("generation", error)
            return None
        return str(raw.decode()) if raw else "0"

    async def put(self, name: str, found: Answer, *, query: str, generation: str, seconds: int) -> Answer:
        """Keep an answer of `query` (folded) unless something was published since; the Answer with its ttl."""
        expires = int(self._clock().timestamp()) + seconds
        raw = found.tag.encode() + b"%010d" % expires + found.body
        try:
            stored = await self._store(
                keys=[keys.GENERATION, keys.search(name), keys.STANDING, keys.variants(query)],
                args=[generation, raw, seconds, query, name, expires],
            )
        except redis.RedisError as error:
            self._failed("put", error)
            return found
        return msgspec.structs.replace(found, ttl=seconds) if stored else found

    async def answers(self, seconds: float) -> bool:
        """Whether Redis answers within so many seconds."""
        try:
            await asyncio.wait_for(self._client.ping(), seconds)
        except (redis.RedisError, TimeoutError):
            return False
        return True

    def _failed(self, operation: str, error: redis.RedisError) -> None:
        self._metrics.count("cache_failed", operation=operation)
        _log.warning("cache_failed", operation=operation, error=str(error))
