"""What requests leave behind - searches, uses of keys - sent to `ingest` about once a second, never while one waits."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import msgspec
import psycopg
import structlog
from psycopg_pool import PoolTimeout

from api.repeats import Repeats
from shared import tasks
from shared.bus import Bus
from shared.clock import Clock
from shared.commands import KeyUsed, RecordSearches, Searched, TouchKeys
from shared.errors import DependencyError
from shared.metrics import Metrics

SECONDS: Final = 1.0
# One command of this many searches is about 100 kB.
BATCH: Final = 500
# While the queue is away; what does not fit is dropped and counted.
KEPT: Final = 10_000
# Repeats looked up together: no request waits longer than it takes to write and read so many.
LOOKED_UP: Final = 100

_log = structlog.get_logger("outbox")


class Outbox:
    """Collects and sends. who_switched_off: of these users, those who do not want their searches remembered.

    What is searched without a name - by nobody who signed in, or by somebody who switched the history off - counts once
    a week for each of them: `api.queries.searches` takes each such search for another person.
    """

    def __init__(
        self,
        bus: Bus,
        repeats: Repeats,
        who_switched_off: Callable[[Collection[int]], Awaitable[set[int]]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._bus = bus
        self._who_switched_off = who_switched_off
        self._clock = clock
        self._metrics = metrics
        self._repeats = repeats
        self._named: list[Searched] = []
        # By who made them and what they searched for: only the first of a week counts.
        self._nameless: dict[tuple[str, str], Searched] = {}
        self._ready: list[Searched] = []
        self._uses: dict[int, datetime] = {}
        self._sender: asyncio.Task[None] | None = None

    def searched(self, query: str, results: int, user_id: int | None, address: str) -> None:
        """Somebody, at this address if they are not signed in, searched for it."""
        if user_id is None and (address, query) in self._nameless:
            return
        if self._waiting() >= KEPT:
            self._metrics.count("search_not_recorded", reason="full")
            return
        made = Searched(
            id=uuid4(), query=query, results_count=results, searched_at=self._clock(), user_id=user_id
        )
        if user_id is None:
            self._nameless[address, query] = made
        else:
            self._named.append(made)

    def used(self, key_id: int) -> None:
        self._uses[key_id] = self._clock()

    async def start(self) -> None:
        self._sender = asyncio.create_task(self._run(), name="outbox")

    async def stop(self) -> None:
        """Send what there is, once more; what cannot be sent now is lost, and counted."""
        await tasks.stop(self._sender)
        await self.flush()
        if lost := self._waiting():
            self._metrics.count("search_not_recorded", lost, reason="stopped")

    async def flush(self) -> None:
        """Send what there is; what cannot be sent waits for the next time."""
        try:
            await self._send_uses()
            await self._take_names_off()
            await self._drop_repeats()
            await self._send_searches()
        except (DependencyError, psycopg.OperationalError, PoolTimeout) as error:
            _log.warning("outbox_waits", searches=self._waiting(), error=type(error).__name__)

    def _waiting(self) -> int:
        return len(self._named) + len(self._nameless) + len(self._ready)

    async def _send_uses(self) -> None:
        uses = dict(self._uses)
        if uses:
            await self._bus.send(TouchKeys(uses=[KeyUsed(key_id=key, at=at) for key, at in uses.items()]))
            self._uses = {key: at for key, at in self._uses.items() if uses.get(key) != at}

    async def _take_names_off(self) -> None:
        named = list(self._named)
        users = {each.user_id for each in named if each.user_id is not None}
        off = await self._who_switched_off(users) if users else set()
        for each in named:
            if each.user_id in off:
                who = f"user:{each.user_id}"
                self._nameless.setdefault((who, each.query), msgspec.structs.replace(each, user_id=None))
            else:
                self._ready.append(each)
        del self._named[: len(named)]

    async def _drop_repeats(self) -> None:
        while batch := list(itertools.islice(self._nameless, LOOKED_UP)):
            first = await self._repeats.first(batch)
            made = [self._nameless.pop(each) for each in batch]
            self._ready += itertools.compress(made, first)

    async def _send_searches(self) -> None:
        while batch := self._ready[:BATCH]:
            await self._bus.send(RecordSearches(searches=batch), command_id=_id(batch))
            del self._ready[: len(batch)]

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            await self.flush()


def _id(batch: list[Searched]) -> str:
    """A batch that is sent twice, because the first time seemed to fail, is one message."""
    return str(UUID(int=batch[0].id.int ^ batch[-1].id.int ^ len(batch)))
