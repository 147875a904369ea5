"""What a request may touch: database, cache, refresher. Opened and closed with the application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import psycopg
import redis.asyncio
from litestar import Request
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from api.cache import Cache
from api.coalesce import Coalescer
from api.freshness import Refresher
from api.people import People
from shared import bus, db
from shared import redis as redis_clients
from shared.clock import Clock, utcnow
from shared.config import ApiSettings
from shared.metrics import Metrics, build

T = TypeVar("T")


class Database:
    """Reads, each in one snapshot."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def read(self, work: Callable[[psycopg.AsyncConnection[Any]], Awaitable[T]]) -> T:
        """Run `work` in a snapshot; once more when the connection turns out to be dead (the server restarted)."""
        try:
            return await self._once(work)
        except (PoolTimeout, psycopg.errors.QueryCanceled):
            raise
        except psycopg.OperationalError:
            await self._pool.check()
            return await self._once(work)

    async def _once(self, work: Callable[[psycopg.AsyncConnection[Any]], Awaitable[T]]) -> T:
        async with self._pool.connection() as connection:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            async with connection.transaction():
                return await work(connection)

    async def answers(self, seconds: float) -> bool:
        """Whether the database answers within so many seconds."""
        try:
            async with asyncio.timeout(seconds), self._pool.connection(timeout=seconds) as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError):
            return False
        return True


class Deps(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that routes are given."""

    settings: ApiSettings
    clock: Clock
    metrics: Metrics
    database: Database
    redis: redis.asyncio.Redis
    cache: Cache
    refresher: Refresher
    coalescer: Coalescer[Any]
    people: People


@asynccontextmanager
async def opened(settings: ApiSettings) -> AsyncIterator[Deps]:
    """Connect to everything. A Redis that is away is no reason not to start: the archive answers without it."""
    metrics = build(settings.metrics)
    pool = db.pool_async(
        settings.database_url,
        settings.database_pool_size,
        statement_timeout_ms=settings.statement_timeout_ms,
    )
    client = redis_clients.connect_async(settings.redis_url)
    sender = redis_clients.connect(settings.redis_url)
    asking = bus.Bus(client, bus.broker(sender))
    await pool.open()
    await asking.start()
    database = Database(pool)
    people = People(settings, database, client, asking, utcnow, metrics)
    await people.start()
    try:
        yield Deps(
            settings=settings,
            clock=utcnow,
            metrics=metrics,
            database=database,
            redis=client,
            cache=Cache(client, utcnow, metrics),
            refresher=Refresher(client, asking, metrics, freshness_seconds=settings.freshness_seconds),
            coalescer=Coalescer(),
            people=people,
        )
    finally:
        await people.stop()
        await asking.stop()
        await pool.close()
        await client.aclose()
        sender.close()


def of(request: Request[Any, Any, Any]) -> Deps:
    """The Deps of the application that serves this request."""
    deps: Deps = request.app.state.deps
    return deps
