"""Where answers were had from - memory, Redis, the database - counted for metrics and for `newsintel status`."""

import asyncio
from typing import Final

import redis
import redis.asyncio
import structlog

from shared import keys, tasks
from shared.clock import Clock
from shared.metrics import TIERS, Metrics

# Half of the time in which shared.emf writes a line.
SECONDS: Final = 5.0
_LIVES_SECONDS: Final = 2 * 3_600

_log = structlog.get_logger("tiers")


class Tiers:
    """An answer costs an addition; what adds up is passed on a few times a minute."""

    def __init__(self, client: redis.asyncio.Redis, clock: Clock, metrics: Metrics) -> None:
        self._client = client
        self._clock = clock
        self._metrics = metrics
        self._counts = dict.fromkeys(TIERS, 0)
        self._task: asyncio.Task[None] | None = None

    def answered(self, tier: str) -> None:
        self._counts[tier] += 1

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="tiers")

    async def stop(self) -> None:
        """Pass on what there is, once more."""
        await tasks.stop(self._task)
        await self.flush()

    async def flush(self) -> None:
        counts, self._counts = self._counts, dict.fromkeys(TIERS, 0)
        for tier, count in counts.items():
            self._metrics.count("cache_reads", count, tier=tier)
        if any(counts.values()):
            await self._tell(counts)

    async def _tell(self, counts: dict[str, int]) -> None:
        name = keys.cache_reads(self._clock())
        try:
            async with self._client.pipeline(transaction=True) as together:
                for tier, count in counts.items():
                    together.hincrby(name, tier, count)
                together.expire(name, _LIVES_SECONDS)
                await together.execute()
        except redis.RedisError as error:
            self._metrics.count("cache_failed", operation="tell")
            _log.warning("cache_reads_not_told", error=str(error))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            await self.flush()
