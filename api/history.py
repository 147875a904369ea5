"""What was searched, collected and sent to ingest in batches: no request waits for it.

Nothing here tells who searched. One address that repeats a search within an hour counts once, so that a search that
many people made is told from one that somebody made many times; the address itself is only a key of this process's
memory, hashed with a secret that dies with the process.
"""

import asyncio
import contextlib
import hashlib
import secrets
import uuid
from collections import OrderedDict
from typing import Final

import structlog

from shared.bus import Bus
from shared.clock import Clock
from shared.commands import RecordSearches, Searched
from shared.errors import DependencyError
from shared.metrics import Metrics

FLUSH_SECONDS: Final = 2.0
# One command; more wait for the next.
BATCH: Final = 500
# While the queue is away searches pile up to here, and then the oldest are lost and counted.
WAITING: Final = 10_000
SAME_SECONDS: Final = 3_600
SEEN: Final = 50_000

_log = structlog.get_logger("history")


class History:
    """Add from anywhere on the event loop."""

    def __init__(self, bus: Bus, clock: Clock, metrics: Metrics) -> None:
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._secret = secrets.token_bytes(16)
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        self._waiting: list[Searched] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, query: str, results: int, address: str) -> None:
        """Somebody at this address searched for it."""
        now = self._clock()
        who = hashlib.blake2b(f"{address}\0{query}".encode(), digest_size=16, key=self._secret).digest()
        last = self._seen.get(who)
        if last is not None and now.timestamp() - last < SAME_SECONDS:
            return
        self._seen[who] = now.timestamp()
        self._seen.move_to_end(who)
        if len(self._seen) > SEEN:
            self._seen.popitem(last=False)
        self._waiting.append(Searched(id=uuid.uuid4(), query=query, results_count=results, searched_at=now))

    async def flush(self) -> None:
        """Send what there is; what cannot be sent waits for the next time."""
        while self._waiting:
            batch = self._waiting[:BATCH]
            try:
                await self._bus.send(RecordSearches(searches=batch))
            except DependencyError as error:
                _log.warning("searches_not_sent", error=str(error))
                self._cut()
                return
            del self._waiting[: len(batch)]

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="search-history")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    def _cut(self) -> None:
        lost = len(self._waiting) - WAITING
        if lost > 0:
            del self._waiting[:lost]
            self._metrics.count("searches_lost", lost)
