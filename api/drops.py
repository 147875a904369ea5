"""Hears which cached answers ingest has dropped, so that this process's memory never keeps what Redis has lost.

Memory is used only while the subscription is known to live: it is emptied and switched off when the connection ends,
and on again after a new subscription has been confirmed.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import redis
import redis.asyncio
import structlog

from api.answers import Answer
from api.memory import Memory
from shared import keys, log

# A silent connection is asked this often whether it is still there, and given as long again to answer.
PING_SECONDS: Final = 1.0
RECONNECT_SECONDS: Final = 0.2
# A Redis that does not answer within this is away, which does not keep an api from starting.
START_SECONDS: Final = 1.0


class Drops:
    """One subscription for the process. heard: told of every dropped name after memory has forgotten it."""

    def __init__(
        self, client: redis.asyncio.Redis, memory: Memory[Answer], heard: Callable[[list[str]], None]
    ) -> None:
        self._client = client
        self._memory = memory
        self._heard = heard
        self._listener: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()
        self._interruption = log.Interruption(structlog.get_logger("drops"), "drops")

    async def start(self) -> None:
        self._listener = asyncio.create_task(self._listen(), name="cache-drops")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._subscribed.wait(), START_SECONDS)

    async def stop(self) -> None:
        if self._listener:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        while True:
            try:
                async with self._client.pubsub() as channel:
                    await channel.subscribe(keys.DROPPED)
                    await self._relay(channel)
            except (redis.RedisError, OSError) as error:
                self._interruption.began(error)
            finally:
                self._memory.switch(on=False)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _relay(self, channel: redis.asyncio.client.PubSub) -> None:
        """Until the connection fails, or is silent after a ping; raises redis.RedisError then."""
        pinged = False
        while True:
            message = await channel.get_message(timeout=PING_SECONDS)
            if message is None:
                if pinged:
                    raise redis.ConnectionError("no answer to a ping")
                await channel.ping()
                pinged = True
                continue
            pinged = False
            if message["type"] == "subscribe":
                self._memory.switch(on=True)
                self._subscribed.set()
                self._interruption.ended()
            elif message["type"] == "message":
                self._drop(message["data"])

    def _drop(self, raw: bytes) -> None:
        names = raw.decode("ascii", "replace").split()
        self._memory.drop(names)
        self._heard(names)
