"""Makes the answers that are asked for most anew before anybody has to wait for them."""

import asyncio
import heapq
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import redis
import redis.asyncio
import structlog

from shared import keys, log, tasks

# Who is looked after: the hundred that were asked for most lately.
MOST: Final = 100
# Asked less than this lately is not worth making unasked.
WORTH: Final = 3
# Counts are halved this often: "lately" is a few minutes.
HALVE_SECONDS: Final = 60.0
TICK_SECONDS: Final = 0.5
# Made anew when it has less than this left; longer than a tick and the making of all of them.
LEFT_SECONDS: Final = 10
# No answer is made anew more often, by any number of processes: one publication follows another while news pours in.
REST_SECONDS: Final = 2
# At once: readers who ask for something else need the database, too.
TOGETHER: Final = 2
# Names whose counts and plans are remembered.
REMEMBERED: Final = 2_000

Remake = Callable[[], Awaitable[Any]]

_log = structlog.get_logger("ahead")


class Ahead:
    """Counts what is asked for; a task remakes the top of it."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._counts: dict[str, int] = {}
        self._plans: OrderedDict[str, Remake] = OrderedDict()
        self._expiries: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._interruption = log.Interruption(_log, "remaking")
        self.remade = 0

    def plan(self, name: str, remake: Remake) -> None:
        """How an answer is made, should it turn out to be asked for often."""
        self._plans[name] = remake
        self._plans.move_to_end(name)
        if len(self._plans) > REMEMBERED:
            self._forget(self._plans.popitem(last=False)[0])

    def count(self, name: str, expires_at: int) -> None:
        """Somebody asked for it and got an answer that lives until then (0: it is not kept)."""
        self._counts[name] = self._counts.get(name, 0) + 1
        self._expiries[name] = expires_at

    def dropped(self, names: Iterable[str]) -> None:
        """An article changed these answers: they are due now."""
        for name in names:
            if name in self._expiries:
                self._expiries[name] = 0

    def due(self, now: float) -> list[str]:
        """Of the names asked for most, those whose answer is gone or soon will be."""
        often = [name for name, count in self._counts.items() if count >= WORTH and name in self._plans]
        top = heapq.nlargest(MOST, often, key=self._counts.__getitem__)
        return [name for name in top if self._expiries.get(name, 0) - now < LEFT_SECONDS]

    def halve(self) -> None:
        self._counts = {name: count // 2 for name, count in self._counts.items() if count > 1}
        self._expiries = {name: at for name, at in self._expiries.items() if name in self._counts}

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="refresh-ahead")

    async def stop(self) -> None:
        await tasks.stop(self._task)

    async def _run(self) -> None:
        halved = time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if time.monotonic() - halved > HALVE_SECONDS:
                self.halve()
                halved = time.monotonic()
            turns = asyncio.Semaphore(TOGETHER)
            await asyncio.gather(*(self._remake(name, turns) for name in self.due(time.time())))

    async def _remake(self, name: str, turns: asyncio.Semaphore) -> None:
        async with turns:
            try:
                ours = await self._client.set(keys.remaking(name), b"1", nx=True, ex=REST_SECONDS)
                self._interruption.ended()
                if ours:
                    answer = await self._plans[name]()
                    self._expiries[name] = answer.expires_at
                    self.remade += 1
            except redis.RedisError as error:
                self._interruption.began(error)
            except Exception as error:  # noqa: BLE001 - a courtesy: the next reader makes it, and is told what is wrong
                _log.warning("not_remade", error=str(error))

    def _forget(self, name: str) -> None:
        self._counts.pop(name, None)
        self._expiries.pop(name, None)
