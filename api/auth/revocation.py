"""What was revoked, known in this process within milliseconds: a request pays no round trip to ask."""

import time
from typing import Any

import redis.asyncio

from shared import keys
from shared.subscription import Subscription


class Revocations:
    """Follows the channel. `current` is False while it cannot, and then the database has to be asked."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._revoked: set[str] = set()
        self._subscription = Subscription(client, keys.REVOCATIONS, joined=self._read_all, heard=self._hear)
        self.start, self.stop = self._subscription.start, self._subscription.stop

    @property
    def current(self) -> bool:
        return self._subscription.current

    def __contains__(self, member: str) -> bool:
        return member in self._revoked

    def add(self, member: str) -> None:
        """What this very process had revoked: it does not wait for the channel to say so."""
        self._revoked.add(member)

    async def _read_all(self) -> None:
        members: Any = await self._client.zrangebyscore(keys.REVOKED, time.time(), "+inf")
        self._revoked = {member.decode() for member in members}

    def _hear(self, raw: bytes) -> None:
        self.add(raw.decode())
