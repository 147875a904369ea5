"""What a request may touch: database, cache, refresher. Opened and closed with the application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import psycopg
import redis.asyncio
from litestar import Request
from litestar.types import Scope
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from api.ahead import Ahead
from api.answers import Answer
from api.cache import Alias, Cache
from api.coalesce import Coalescer
from api.drops import Drops
from api.freshness import Refresher
from api.people import People
from api.queries.sources import Holdings
from api.status import Statuses
from api.tiers import Tiers
from shared import bus, db, saturation
from shared import redis as redis_clients
from shared.clock import Clock, utcnow
from shared.config import ApiSettings
from shared.meter import Meter
from shared.metrics import Metrics

T = TypeVar("T")

# A read is several statements, an explanation one for each term: together they take no longer than so many that run
# into their limit.
_STATEMENTS: Final = 3


class Database:
    """Reads, each in one snapshot. statement_seconds: the limit of one statement of the pool."""

    def __init__(self, pool: AsyncConnectionPool[Any], statement_seconds: float) -> None:
        self._pool = pool
        self._seconds = _STATEMENTS * statement_seconds

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
            try:
                async with asyncio.timeout(self._seconds), connection.transaction():
                    return await work(connection)
            except TimeoutError:
                raise psycopg.errors.QueryCanceled("the statements together took too long") from None

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
    ahead: Ahead
    statuses: Statuses
    people: People
    tiers: Tiers
    holdings: Holdings

    def noticed(self, scope: Scope, alias: Alias, answer: Answer, tier: str) -> None:
        """Somebody was given this answer: for what is asked for most, for what is searched, for where it was had."""
        self.tiers.answered(tier)
        self.ahead.count(alias.name, answer.expires_at)
        if alias.searched:
            self.people.searched(scope, alias.searched, answer.total)


@asynccontextmanager
async def opened(settings: ApiSettings, metrics: Meter) -> AsyncIterator[Deps]:
    """Connect to everything. A Redis that is away is no reason not to start: the archive answers without it."""
    pool = db.pool_async(
        settings.database_url,
        settings.database_pool_size,
        statement_timeout_ms=settings.statement_timeout_ms,
    )
    metrics.watch(partial(saturation.measure, metrics, pool, "api"))
    client = redis_clients.connect_async(settings.redis_url)
    sender = redis_clients.connect(settings.redis_url)
    asking = bus.Bus(client, bus.broker(sender))
    cache = Cache(client, settings, metrics)
    ahead = Ahead(client)
    drops = Drops(client, cache.memory, ahead.dropped)
    await pool.open()
    database = Database(pool, settings.statement_timeout_ms / 1000)
    people = People(settings, database, client, asking, utcnow, metrics)
    tiers = Tiers(client, utcnow, metrics)
    await asyncio.gather(asking.start(), drops.start(), people.start(), tiers.start())
    ahead.start()
    try:
        yield Deps(
            settings=settings,
            clock=utcnow,
            metrics=metrics,
            database=database,
            redis=client,
            cache=cache,
            refresher=Refresher(client, asking, metrics, freshness_seconds=settings.freshness_seconds),
            coalescer=Coalescer(),
            ahead=ahead,
            statuses=Statuses(client),
            people=people,
            tiers=tiers,
            holdings=Holdings(),
        )
    finally:
        await ahead.stop()
        await tiers.stop()
        await people.stop()
        await drops.stop()
        await asking.stop()
        await pool.close()
        await client.aclose()
        sender.close()


def of(request: Request[Any, Any, Any]) -> Deps:
    """The Deps of the application that serves this request."""
    deps: Deps = request.app.state.deps
    return deps
