"""What ingest lets readers know of each source: budget left, circuit. Nothing when it has not said so lately."""

from typing import Any

import msgspec
import redis
import redis.asyncio
import structlog

from shared import keys
from shared.events import SourceStatus

_log = structlog.get_logger("status")


class Statuses:
    """Reads the snapshots."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client

    async def get(self, source: str) -> SourceStatus | None:
        """None when there is none, or Redis is away."""
        try:
            raw: Any = await self._client.get(keys.status(source))
            return msgspec.json.decode(raw, type=SourceStatus) if raw else None
        except (redis.RedisError, msgspec.DecodeError) as error:
            _log.warning("status_unreadable", source=source, error=str(error))
            return None
