"""Two tiers of answers as the bytes that go out: this process's memory for seconds, Redis for minutes.

    request ──▶ memory ──▶ Redis ──▶ make it (once, however many ask) ──▶ keep it in both
                  ▲          ▲
                  └── drops ─┴── ingest, when it has committed an article that changes the answer

How long an answer may outlive such a commit: as long as the announcement travels (milliseconds); `memory_seconds`
when the subscription died without a word; `cache_seconds` when the worker died between commit and publication.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Collection
from typing import Any, Final

import msgspec
import redis
import redis.asyncio
import structlog

from api.answers import Answer, answer, digest, pack, unpack
from api.memory import Memory
from api.reads import Reads
from shared import keys, log
from shared.config import ApiSettings
from shared.metrics import Metrics

__all__ = ["Answer", "Cache", "answer", "digest"]

# Raw requests whose canonical name is known, so that a repeated one needs no reading of its parameters.
ALIASES: Final = 10_000

# Stores nothing when articles were published after `generation` was read: they may be missing in the answer.
# KEYS: generation, answer, standing queries, then the sets that the answer is in; ARGV: generation, bytes, seconds,
# digest, unix expiry, and the query if new articles are to be matched with one.
_STORE: Final = """
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
if ARGV[6] then redis.call('ZADD', KEYS[3], 'GT', ARGV[5], ARGV[6]) end
for i = 4, #KEYS do
    redis.call('SADD', KEYS[i], ARGV[4])
    if redis.call('TTL', KEYS[i]) < tonumber(ARGV[3]) then redis.call('EXPIRE', KEYS[i], ARGV[3]) end
end
return 1
"""

Target = tuple[str, bytes, bytes | None]  # path, query string, Accept


class Alias(msgspec.Struct, frozen=True):
    """What a raw request is. searched: the words to remember as searched, None when it is not a first page of words."""

    name: str
    searched: str | None


class Stats(msgspec.Struct, kw_only=True):
    """Of the Redis tier and of both, since the process started. saved_ms: what the hits would have cost to make."""

    redis_hits: int = 0
    redis_misses: int = 0
    stored: int = 0
    refused: int = 0  # made while something was published
    saved_ms: int = 0


class Cache:
    """A courtesy: when Redis is away every look is a miss, every store is forgotten, and both are counted."""

    def __init__(self, client: redis.asyncio.Redis, settings: ApiSettings, metrics: Metrics) -> None:
        self.memory: Memory[Answer] = Memory(
            entries=settings.memory_entries,
            max_bytes=settings.memory_bytes,
            seconds=settings.memory_seconds,
        )
        self.stats = Stats()
        self._client = client
        self._reads = Reads(client)
        self._metrics = metrics
        self._store = client.register_script(_STORE)
        self._aliases: OrderedDict[bytes, Alias] = OrderedDict()
        # One each: a Redis that is full answers reads and refuses writes.
        self._interruptions = {
            operation: log.Interruption(structlog.get_logger("cache"), f"cache_{operation}")
            for operation in ("get", "generation", "put")
        }

    def alias(self, target: Target) -> Alias | None:
        """What this very request was found to be before."""
        return self._aliases.get(_digest(target))

    def learn(self, target: Target, alias: Alias) -> None:
        """Remember what a request is that passed every check and whose answer is everybody's."""
        self._aliases[_digest(target)] = alias
        if len(self._aliases) > ALIASES:
            self._aliases.popitem(last=False)

    def near(self, name: str) -> Answer | None:
        """From memory."""
        found = self.memory.get(name)
        if found is not None:
            self.stats.saved_ms += found.cost_ms
        return found

    async def far(self, name: str) -> Answer | None:
        """From Redis, and from then on in memory."""
        drops = self.memory.drops
        try:
            raw = await self._reads.get(keys.search(name))
        except redis.RedisError as error:
            self._failed("get", error)
            return None
        self._interruptions["get"].ended()
        if raw is None:
            self.stats.redis_misses += 1
            return None
        found = unpack(raw)
        self.stats.redis_hits += 1
        self.stats.saved_ms += found.cost_ms
        self.memory.put(name, found, seconds=found.ttl(int(time.time())), drops=drops)
        return found

    async def generation(self) -> str | None:
        """The count of publications: read it before the database, hand it to `put`. None when Redis is away."""
        try:
            raw: Any = await self._client.get(keys.GENERATION)
        except redis.RedisError as error:
            self._failed("generation", error)
            return None
        self._interruptions["generation"].ended()
        return str(raw.decode()) if raw else "0"

    async def put(
        self,
        name: str,
        found: Answer,
        *,
        query: str | None,
        generation: str,
        seconds: int,
        stories: Collection[int] = (),
        cost_ms: int = 0,
    ) -> Answer:
        """Keep an answer unless something was published since; returns it with its times.

        query: the entry of shared.query.standing that ingest matches new articles with (empty: every one changes the
        answer, None: none does);
        stories: the stories that it shows, each of which changes it, too.
        """
        now = int(time.time())
        kept = msgspec.structs.replace(found, made_at=now, expires_at=now + seconds, cost_ms=cost_ms)
        drops = self.memory.drops
        told = [keys.shown(story) for story in stories]
        if query is not None:
            told.append(keys.variants(query))
        try:
            stored = await self._store(
                keys=[keys.GENERATION, keys.search(name), keys.STANDING, *told],
                args=[
                    generation,
                    pack(kept),
                    seconds,
                    name,
                    kept.expires_at,
                    *([] if query is None else [query]),
                ],
            )
        except redis.RedisError as error:
            self._failed("put", error)
            return found
        self._interruptions["put"].ended()
        if not stored:
            self.stats.refused += 1
            return found
        self.stats.stored += 1
        self.memory.put(name, kept, seconds=seconds, drops=drops)
        return kept

    async def answers(self, seconds: float) -> bool:
        """Whether Redis answers within so many seconds."""
        try:
            await asyncio.wait_for(self._client.ping(), seconds)
        except (redis.RedisError, TimeoutError):
            return False
        return True

    def _failed(self, operation: str, error: redis.RedisError) -> None:
        self._metrics.count("cache_failed", operation=operation)
        self._interruptions[operation].began(error)


def _digest(target: Target) -> bytes:
    """As long for any target. Only a path can hold a NUL, so the parts stay apart."""
    path, query_string, accept = target
    text = b"\0".join((path.encode(errors="surrogatepass"), query_string, accept or b""))
    return hashlib.blake2b(text, digest_size=16).digest()
