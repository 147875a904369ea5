"""Tells a search that many people made from one that somebody made many times, and remembers nobody for it.

Who searched is only a keyed hash, together with the query, in a Redis key that expires by itself: it can neither be
turned back nor be compared with what the same person searched for otherwise, and PostgreSQL never has it.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import redis
import redis.asyncio

from shared import keys
from shared.errors import DependencyError

# The longest span over which people are counted (`hours` of /searches/trending), so that nobody is in one twice.
SAME_SECONDS: Final = int(timedelta(days=7, hours=1).total_seconds())


class Repeats:
    """Searches of the last week, by who made them. secret: the same in all processes that serve one archive."""

    def __init__(self, client: redis.asyncio.Redis, secret: str) -> None:
        self._client = client
        self._key = hashlib.blake2b(b"newsintel searched\0" + secret.encode(), digest_size=32).digest()

    async def first(self, searches: Sequence[tuple[str, str]]) -> list[bool]:
        """Of each (who, query): whether they search for it for the first time within the span.

        Raises DependencyError.
        """
        pipeline = self._client.pipeline(transaction=False)
        for who, query in searches:
            pipeline.set(keys.searched(self._digest(who, query)), b"", nx=True, ex=SAME_SECONDS)
        try:
            return [bool(each) for each in await pipeline.execute()]
        except redis.RedisError as error:
            raise DependencyError("Redis does not answer") from error

    def _digest(self, who: str, query: str) -> str:
        return hashlib.blake2b(f"{who}\0{query}".encode(), digest_size=12, key=self._key).hexdigest()
