"""After the commit: drop exactly the cached answers that the new articles change.

The api remembers in Redis which queries have cached answers ("standing" queries), and which answers show which story.
An answer goes when a changed article matches its query, and when it shows a story that changed: its article may have
a better version now, or match no longer. The api reads GENERATION before it asks PostgreSQL and keeps its answer only
if GENERATION is still the same, so an answer that was made beside a publish is never kept. GENERATION therefore grows
first, then the answers go, and in the same moment every api process is told which.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import psycopg
import redis
import structlog

from ingest.ports import Ports
from ingest.store import articles, standing
from shared import keys

# Names in one message: about 33 kB.
TOLD_TOGETHER = 1_000

_log = structlog.get_logger("publish")


def publish(changed: Sequence[int], ports: Ports) -> None:
    """Make changed articles visible to cached queries. Lost Redis: cached answers grow old for their few minutes."""
    if not changed:
        return
    try:
        ports.redis.incr(keys.GENERATION)
        queries = _standing(ports.redis, ports.clock())
        with ports.database.connection() as conn:
            matched = standing.queries_matching(conn, queries, changed) if queries else []
            stories = articles.stories_of(conn, changed)
        dropped = _drop(ports.redis, matched, stories)
        if dropped:
            ports.metrics.count("answers_dropped", dropped)
    except (redis.RedisError, psycopg.Error) as error:
        ports.metrics.count("publish_failed")
        _log.warning("publish_failed", error=str(error))


def forget_all(ports: Ports) -> None:
    """Drop every cached answer: of what was deleted, none may show it for minutes more."""
    try:
        ports.redis.incr(keys.GENERATION)
        _drop(ports.redis, _standing(ports.redis, ports.clock()), ())
    except redis.RedisError as error:
        ports.metrics.count("publish_failed")
        _log.warning("publish_failed", error=str(error))


def _standing(client: redis.Redis, now: datetime) -> list[str]:
    """The queries that may have cached answers; forgets those whose answers have expired."""
    expiries = cast("dict[bytes, bytes]", client.hgetall(keys.STANDING))
    expired = [query for query, until in expiries.items() if float(until) < now.timestamp()]
    if expired:
        client.hdel(keys.STANDING, *expired)
    return [query.decode() for query in expiries.keys() - set(expired)]


def _drop(client: redis.Redis, queries: Sequence[str], stories: Sequence[int]) -> int:
    """Forget all answers of these queries, and all that show these stories; returns how many."""
    named = [keys.variants(query) for query in queries] + [keys.shown(story) for story in stories]
    with client.pipeline(transaction=False) as reads:
        for name in named:
            reads.smembers(name)
        digests = sorted({digest.decode() for members in reads.execute() for digest in members})
    with client.pipeline(transaction=True) as together:
        if digests:
            doomed: list[Any] = [keys.search(digest) for digest in digests]
            together.delete(*doomed)
        if named:
            together.delete(*named)
        if queries:
            together.hdel(keys.STANDING, *queries)
        for start in range(0, len(digests), TOLD_TOGETHER):
            together.publish(keys.DROPPED, " ".join(digests[start : start + TOLD_TOGETHER]))
        together.execute()
    return len(digests)
