"""What requests leave behind - searches, uses of keys - sent to `ingest` about once a second, never while one waits."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from shared.bus import Bus
from shared.commands import KeyUsed, RecordSearches, Searched, TouchKeys
from shared.errors import DependencyError
from shared.metrics import Metrics

SECONDS: Final = 1.0
# One command of this many searches is about 100 kB.
BATCH: Final = 500
# While the queue is away; what does not fit is dropped and counted.
KEPT: Final = 10_000

_log = structlog.get_logger("outbox")


class Outbox:
    """Collects and sends. who_switched_off: of these users, those who do not want their searches remembered."""

    def __init__(
        self,
        bus: Bus,
        who_switched_off: Callable[[Collection[int]], Awaitable[set[int]]],
        metrics: Metrics,
    ) -> None:
        self._bus = bus
        self._who_switched_off = who_switched_off
        self._metrics = metrics
        self._searches: list[Searched] = []
        self._uses: dict[int, datetime] = {}
        self._sender: asyncio.Task[None] | None = None

    def searched(self, search: Searched) -> None:
        if len(self._searches) >= KEPT:
            self._metrics.count("search_not_recorded", reason="full")
            return
        self._searches.append(search)

    def used(self, key_id: int, at: datetime) -> None:
        self._uses[key_id] = at

    async def start(self) -> None:
        self._sender = asyncio.create_task(self._run(), name="outbox")

    async def stop(self) -> None:
        """Send what there is, once more."""
        if self._sender:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender
        await self.flush()

    async def flush(self) -> None:
        """Send what there is; what cannot be sent waits for the next time."""
        uses, self._uses = self._uses, {}
        searches, self._searches = self._searches, []
        sent = 0
        try:
            if uses:
                await self._bus.send(TouchKeys(uses=[KeyUsed(key_id=key, at=at) for key, at in uses.items()]))
                uses = {}
            while batch := searches[sent : sent + BATCH]:
                await self._bus.send(
                    RecordSearches(searches=await self._allowed(batch)), command_id=_id(batch)
                )
                sent += len(batch)
        except (DependencyError, psycopg.OperationalError, PoolTimeout) as error:
            _log.warning("outbox_waits", searches=len(searches) - sent, error=type(error).__name__)
        self._uses = uses | self._uses
        self._searches = (searches[sent:] + self._searches)[:KEPT]

    async def _allowed(self, batch: list[Searched]) -> list[Searched]:
        """Who switched the history off is counted without a name."""
        users = {each.user_id for each in batch if each.user_id is not None}
        off = await self._who_switched_off(users) if users else set()
        return [_nameless(each) if each.user_id in off else each for each in batch]

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            await self.flush()


def _nameless(search: Searched) -> Searched:
    return Searched(
        id=search.id,
        query=search.query,
        results_count=search.results_count,
        searched_at=search.searched_at,
    )


def _id(batch: list[Searched]) -> str:
    """A batch that is sent twice, because the first time seemed to fail, is one message."""
    return str(UUID(int=batch[0].id.int ^ batch[-1].id.int ^ len(batch)))
