"""What ingest lets the api know of each source: budget left, circuit, pages and calls of backfills. Nothing when it
has not said so lately.
"""

from datetime import datetime
from typing import Any

import msgspec
import redis
import redis.asyncio
import structlog

from shared import keys
from shared.events import SourceStatus

_log = structlog.get_logger("status")


class BackfillTold(msgspec.Struct, frozen=True):
    """pages: those brought since the moment asked about; calls_per_day: what backfills may make, None: nobody says."""

    pages: int
    calls_per_day: int | None


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

    async def backfill(self, backfill_id: int, source: str, since: datetime) -> BackfillTold | None:
        """None when Redis is away."""
        try:
            pages = await self._client.zcount(
                keys.backfill_pages(backfill_id, source), since.timestamp(), "+inf"
            )
            spare: Any = await self._client.hget(keys.BACKFILL_CALLS, source)
            return BackfillTold(pages, None if spare is None else int(spare))
        except redis.RedisError as error:
            _log.warning("backfill_unreadable", source=source, error=str(error))
            return None
