"""After the commit: drop exactly the cached answers that the new articles change.

The api remembers in Redis which queries have cached answers ("standing" queries). It reads GENERATION before it asks
PostgreSQL and keeps its answer only if GENERATION is still the same, so an answer that was made beside a publish is
never kept. GENERATION therefore grows first, then the answers go.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import psycopg
import redis
import structlog

from ingest.ports import Ports
from ingest.store import articles
from shared import keys

_log = structlog.get_logger("publish")


def publish(changed: Sequence[int], ports: Ports) -> None:
    """Make changed articles visible to cached queries. Lost Redis: cached answers grow old for their few minutes."""
    if not changed:
        return
    try:
        ports.redis.incr(keys.GENERATION)
        standing = _standing(ports.redis, ports.clock())
        if standing:
            with ports.database.connection() as conn:
                matched = articles.queries_matching(conn, standing, changed)
            _drop(ports.redis, matched)
            ports.metrics.count("answers_dropped", len(matched))
    except (redis.RedisError, psycopg.Error) as error:
        ports.metrics.count("publish_failed")
        _log.warning("publish_failed", error=str(error))


def _standing(client: redis.Redis, now: datetime) -> list[str]:
    """The queries that may have cached answers; forgets those whose answers have expired."""
    expiries = cast("dict[bytes, bytes]", client.hgetall(keys.STANDING))
    expired = [query for query, until in expiries.items() if float(until) < now.timestamp()]
    if expired:
        client.hdel(keys.STANDING, *expired)
    return [query.decode() for query in expiries.keys() - set(expired)]


def _drop(client: redis.Redis, queries: Sequence[str]) -> None:
    for query in queries:
        digests = cast("set[bytes]", client.smembers(keys.variants(query)))
        doomed: list[Any] = [keys.search(digest.decode()) for digest in digests]
        with client.pipeline(transaction=True) as together:
            together.delete(keys.variants(query), *doomed)
            together.hdel(keys.STANDING, query)
            together.execute()
