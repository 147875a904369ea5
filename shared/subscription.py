"""One Redis channel, followed for as long as the process lives; whoever follows it knows while it cannot be heard."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import redis
import redis.asyncio
import structlog

from shared import log, tasks

# A subscription is silent for hours; this often it is asked whether it is still there, and given as long to answer.
PING_SECONDS = 5.0
RECONNECT_SECONDS = 0.2
# A Redis that does not answer within this is away, which does not keep an api from starting.
START_SECONDS = 1.0


class Subscription:
    """joined: awaited each time the subscription is confirmed, to make up for what was said before; heard: is given
    every message after that; lost: told whenever the subscription has ended.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        channel: str,
        *,
        joined: Callable[[], Awaitable[None]],
        heard: Callable[[bytes], None],
        lost: Callable[[], None] = lambda: None,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._client = client
        self._channel = channel
        self._joined = joined
        self._heard = heard
        self._lost = lost
        self.ping_seconds = ping_seconds
        self._task: asyncio.Task[None] | None = None
        self._interruption = log.Interruption(structlog.get_logger("subscription"), channel)
        self._following = asyncio.Event()
        self._alive_at = 0.0

    @property
    def current(self) -> bool:
        """Whether nothing can have been missed. A connection that owes the answer to a ping counts as lost."""
        return self._following.is_set() and time.monotonic() - self._alive_at < 2 * self.ping_seconds

    async def start(self) -> None:
        """Follow it; while Redis is away that is tried again in the background."""
        self._task = asyncio.create_task(self._run(), name=f"follow-{self._channel}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._following.wait(), START_SECONDS)

    async def stop(self) -> None:
        await tasks.stop(self._task)

    async def _run(self) -> None:
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    await self._follow(pubsub)
            except Exception as error:  # mostly Redis; whatever it is, it must not end the listening
                # A cancellation can surface as an error of the connection that it interrupted.
                if (task := asyncio.current_task()) and task.cancelling():
                    raise asyncio.CancelledError from error
                self._interruption.began(error)
            finally:
                self._following.clear()
                self._lost()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _follow(self, pubsub: redis.asyncio.client.PubSub) -> None:
        """Until the connection fails; raises redis.RedisError then.

        A peer that vanished without a word would be waited for for ever, so silence is ended by a ping, and a ping
        that stays unanswered ends the connection.
        """
        pinged = False
        while True:
            message = await pubsub.get_message(timeout=self.ping_seconds)
            if (task := asyncio.current_task()) and task.cancelling():
                raise asyncio.CancelledError
            if message is None:
                if pinged:
                    raise redis.ConnectionError("no answer to a ping")
                await pubsub.ping()
                pinged = True
                continue
            pinged = False
            self._alive_at = time.monotonic()
            if message["type"] == "subscribe":
                await self._joined()
                self._following.set()
                self._interruption.ended()
            elif message["type"] == "message":
                self._heard(message["data"])
