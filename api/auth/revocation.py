"""What was revoked, known in this process within milliseconds: a request pays no round trip to ask."""

import asyncio
import contextlib
import time
from typing import Any, Final

import redis
import redis.asyncio
import structlog

from shared import keys, log

PING_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 0.5
# A Redis that does not answer within this is away, which does not keep an api from starting.
START_SECONDS: Final = 1.0


class Revocations:
    """Follows the channel. `current` is False while it cannot, and then the database has to be asked."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._revoked: set[str] = set()
        self._listener: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()
        self._interruption = log.Interruption(structlog.get_logger("revocation"), "revocations")
        self._heard = 0.0

    @property
    def current(self) -> bool:
        """A silent connection is asked whether it lives; without an answer it counts as lost."""
        return self._subscribed.is_set() and time.monotonic() - self._heard < 2 * PING_SECONDS

    def __contains__(self, member: str) -> bool:
        return member in self._revoked

    def add(self, member: str) -> None:
        """What this very process had revoked: it does not wait for the channel to say so."""
        self._revoked.add(member)

    async def start(self) -> None:
        self._listener = asyncio.create_task(self._listen(), name="revocations")
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
                    await channel.subscribe(keys.REVOCATIONS)
                    # First subscribe, then read: what comes in between is in both.
                    await self._read_all()
                    self._heard = time.monotonic()
                    self._subscribed.set()
                    self._interruption.ended()
                    await self._follow(channel)
            except (redis.RedisError, OSError) as error:
                self._subscribed.clear()
                self._interruption.began(error)
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _read_all(self) -> None:
        members: Any = await self._client.zrangebyscore(keys.REVOKED, time.time(), "+inf")
        self._revoked = {member.decode() for member in members}

    async def _follow(self, channel: redis.asyncio.client.PubSub) -> None:
        """Until the connection fails; raises redis.RedisError then."""
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
            self._heard = time.monotonic()
            if message["type"] == "message":
                self._revoked.add(message["data"].decode())
