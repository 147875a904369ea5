"""GET /cache/stats: how well this process's cache does."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import deps, openapi, params, respond


class MemoryTier(msgspec.Struct, frozen=True, kw_only=True):
    """hit_rate: of all looks; on: whether it is in use (not while nobody tells which answers changed)."""

    on: bool
    entries: int
    bytes: int
    max_entries: int
    max_bytes: int
    hits: int
    misses: int
    hit_rate: float | None
    evictions: int
    expired: int
    dropped: int


class RedisTier(msgspec.Struct, frozen=True, kw_only=True):
    """Looks that memory missed. refused: answers that were not kept, because articles arrived while they were made."""

    hits: int
    misses: int
    hit_rate: float | None
    stored: int
    refused: int


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """Of this process since it started. saved_seconds: what the hits had cost to make; remade: made before asked."""

    memory: MemoryTier
    redis: RedisTier
    hit_rate: float | None
    saved_seconds: float
    remade: int


@get(
    "/cache/stats",
    operation_class=openapi.operation(),
    responses=openapi.responses(CacheStats, 406, "not_signed_in", "operators_only", tagged=False),
    summary="The cache of this process",
    tags=["operation"],
)
async def cache_stats(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Hit rate of each tier, sizes, evictions, and the time that the hits have saved, since this process started."""
    params.none(request)
    at = deps.of(request)
    memory, counts, stats = at.cache.memory, at.cache.memory.counts, at.cache.stats
    found = CacheStats(
        memory=MemoryTier(
            on=memory.is_on,
            entries=len(memory),
            bytes=memory.bytes,
            max_entries=at.settings.memory_entries,
            max_bytes=at.settings.memory_bytes,
            hit_rate=_rate(counts.hits, counts.misses),
            **msgspec.structs.asdict(counts),
        ),
        redis=RedisTier(
            hits=stats.redis_hits,
            misses=stats.redis_misses,
            hit_rate=_rate(stats.redis_hits, stats.redis_misses),
            stored=stats.stored,
            refused=stats.refused,
        ),
        hit_rate=_rate(counts.hits + stats.redis_hits, stats.redis_misses),
        saved_seconds=round(stats.saved_ms / 1000, 3),
        remade=at.ahead.remade,
    )
    return respond.momentary(found)


def _rate(hits: int, misses: int) -> float | None:
    return round(hits / (hits + misses), 4) if hits + misses else None
