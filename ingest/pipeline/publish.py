"""After the commit: drop exactly the cached answers that the new articles change.

The api remembers in Redis which queries have cached answers ("standing" queries), and which answers show which story.
An answer goes when a changed article matches its query, time and picture or did so before it changed - then the answer
counts it - and when it shows a story that changed: its article may have a better version now, or be seen in another
place. The api reads GENERATION before it asks PostgreSQL and keeps its answer only if GENERATION is still the same, so
an answer that was made beside a publish is never kept. GENERATION therefore grows first, then the answers go, and in
the same moment every api process is told which.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import redis
import structlog

from ingest.ports import Ports
from ingest.store import articles, standing
from shared import keys

# Names in one message: about 33 kB.
TOLD_TOGETHER = 1_000

_log = structlog.get_logger("publish")


def publish(changed: Sequence[int], ports: Ports, former: Sequence[str] = ()) -> None:
    """Make changed articles visible to cached queries. Lost Redis: cached answers grow old for their few minutes.

    former: what `standing.former` told of those that were there before.
    """
    if not changed:
        return
    try:
        ports.redis.incr(keys.GENERATION)
        queries = _standing(ports.redis, ports.clock())
        with ports.database.connection() as conn:
            matched = standing.queries_matching(conn, queries, changed, former) if queries else []
            stories = articles.stories_of(conn, changed)
        registers = [*map(keys.variants, matched), *map(keys.shown, stories)]
        dropped = _drop(ports.redis, registers, matched)
        if dropped:
            ports.metrics.count("answers_dropped", dropped)
    except (redis.RedisError, psycopg.Error) as error:
        _failed(error, ports)


def forget_all(ports: Ports) -> None:
    """Drop every cached answer: of what was deleted, none may show it for minutes more."""
    try:
        ports.redis.incr(keys.GENERATION)
        queries = _standing(ports.redis, ports.clock())
        every = [
            name for pattern in keys.REGISTERS for name in ports.redis.scan_iter(match=pattern, count=1_000)
        ]
        _drop(ports.redis, every, queries)
    except redis.RedisError as error:
        _failed(error, ports)


def _failed(error: Exception, ports: Ports) -> None:
    ports.metrics.count("publish_failed")
    _log.warning("publish_failed", error=str(error))


def _standing(client: redis.Redis, now: datetime) -> list[str]:
    """The queries that may have cached answers; forgets those whose answers have expired."""
    with client.pipeline(transaction=True) as together:
        together.zremrangebyscore(keys.STANDING, "-inf", now.timestamp())
        together.zrange(keys.STANDING, 0, -1)
        _, queries = together.execute()
    return [query.decode() for query in queries]


def _drop(client: redis.Redis, registers: Sequence[Any], queries: Sequence[str]) -> int:
    """Forget all answers that stand in these registers, and that these queries have any; returns how many.

    Registers are emptied in the moment in which they are read: an answer that is kept from then on stands in a new one.
    """
    if not registers:
        return 0
    with client.pipeline(transaction=True) as together:
        for name in registers:
            together.smembers(name)
        together.delete(*registers)
        if queries:
            together.zrem(keys.STANDING, *queries)
        answers = together.execute()
    digests = sorted({digest.decode() for members in answers[: len(registers)] for digest in members})
    if digests:
        with client.pipeline(transaction=True) as together:
            together.delete(*[keys.search(digest) for digest in digests])
            for start in range(0, len(digests), TOLD_TOGETHER):
                together.publish(keys.DROPPED, " ".join(digests[start : start + TOLD_TOGETHER]))
            together.execute()
    return len(digests)
