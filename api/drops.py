"""Hears which cached answers ingest has dropped, so that this process's memory never keeps what Redis has lost.

Memory is used only while the subscription is known to live: it is emptied and switched off when the connection ends,
and on again after a new subscription has been confirmed.
"""

from collections.abc import Callable
from typing import Final

import redis.asyncio

from api.answers import Answer
from api.memory import Memory
from shared import keys
from shared.subscription import Subscription

PING_SECONDS: Final = 1.0


class Drops:
    """One subscription for the process. heard: told of every dropped name after memory has forgotten it."""

    def __init__(
        self, client: redis.asyncio.Redis, memory: Memory[Answer], heard: Callable[[list[str]], None]
    ) -> None:
        self._memory = memory
        self._heard = heard
        self._subscription = Subscription(
            client,
            keys.DROPPED,
            joined=self._on,
            heard=self._drop,
            lost=self._off,
            ping_seconds=PING_SECONDS,
        )
        self.start, self.stop = self._subscription.start, self._subscription.stop

    async def _on(self) -> None:
        self._memory.switch(on=True)

    def _off(self) -> None:
        self._memory.switch(on=False)

    def _drop(self, raw: bytes) -> None:
        names = raw.decode("ascii", "replace").split()
        self._memory.drop(names)
        self._heard(names)
