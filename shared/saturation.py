"""How busy a pool of database connections is."""

from typing import Any

from psycopg_pool import AsyncConnectionPool, ConnectionPool

from shared.metrics import Metrics


def measure(metrics: Metrics, pool: ConnectionPool[Any] | AsyncConnectionPool[Any], service: str) -> None:
    stats = pool.get_stats()
    used = stats["pool_size"] - stats["pool_available"]
    metrics.gauge("database_pool_used", 100 * used / stats["pool_max"], service=service)
    metrics.gauge("database_pool_waiting", stats["requests_waiting"], service=service)
