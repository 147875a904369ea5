"""What was revoked, known in this process within milliseconds: a request pays no round trip to ask."""

import time
from typing import Any

import redis.asyncio

from shared import keys
from shared.subscription import Subscription


class Revocations:
    """Follows the channel. `current` is False while it cannot, and then the database has to be asked.

    access_seconds: how long an access token is good.
    """

    def __init__(self, client: redis.asyncio.Redis, *, access_seconds: int) -> None:
        self._client = client
        self._access_seconds = access_seconds
        self._until: dict[str, float] = {}
        self._subscription = Subscription(client, keys.REVOCATIONS, joined=self._read_all, heard=self._hear)
        self.start, self.stop = self._subscription.start, self._subscription.stop

    @property
    def current(self) -> bool:
        return self._subscription.current

    def __contains__(self, member: str) -> bool:
        return member in self._until

    def add(self, member: str) -> None:
        """What this very process had revoked: it does not wait for the channel to say so."""
        now = time.time()
        self._until = {each: until for each, until in self._until.items() if until > now}
        self._until[member] = keys.revoked_until(now, self._access_seconds)

    async def _read_all(self) -> None:
        members: Any = await self._client.zrangebyscore(keys.REVOKED, time.time(), "+inf", withscores=True)
        self._until = {member.decode(): until for member, until in members}

    def _hear(self, raw: bytes) -> None:
        self.add(raw.decode())
