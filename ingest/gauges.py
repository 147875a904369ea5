"""What the leading scheduler measures: lag, budget, circuit and told wait of the sources, depth and age of the queues.

Two lags apart: fetches may succeed while the newest article is a day old, as NewsAPI's free plan has it by contract.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from ingest.ports import Ports
from ingest.sources.registry import circuits, ledgers
from ingest.store import overview
from shared import keys
from shared.commands import Queue


class _Message(msgspec.Struct):
    """Of Dramatiq's message: when it was sent (unix milliseconds)."""

    message_timestamp: int


def measure(ports: Ports) -> None:
    """Write every gauge once. Raises what PostgreSQL or Redis raise."""
    ports.metrics.gauge("scheduler_leads", 1)
    now = ports.clock()
    with ports.database.connection() as connection:
        found = overview.sources(connection)
    for each in found:
        if each.newest_published_at:
            age = (now - each.newest_published_at).total_seconds()
            ports.metrics.gauge("newest_article_age", age, source=each.source)
        if each.last_success_at:
            age = (now - each.last_success_at).total_seconds()
            ports.metrics.gauge("last_fetch_age", age, source=each.source)
    for queue in Queue:
        waiting = ports.redis.llen(f"{keys.QUEUE_NAMESPACE}:{queue}")
        ports.metrics.gauge("queue_depth", float(waiting), queue=queue)
        ports.metrics.gauge("queue_age", queue_age(ports, queue, now).total_seconds(), queue=queue)
    for source, circuit in circuits(ports.settings, ports.redis).items():
        ports.metrics.gauge("circuit_open", float(circuit.look(now).name == "open"), source=source)
    for source, book in ledgers(ports.settings, ports.redis).items():
        left = min(100 * window.left / window.limit for window in book.remaining())
        ports.metrics.gauge("budget_left", left, source=source)
        wait = (book.closed_until(now) or now) - now
        ports.metrics.gauge("told_to_wait", wait.total_seconds(), source=source)


def queue_age(ports: Ports, queue: Queue, now: datetime) -> timedelta:
    """How long the oldest message waits. Dramatiq keeps a list of ids, oldest first, and the messages beside it."""
    name = f"{keys.QUEUE_NAMESPACE}:{queue}"
    oldest = ports.redis.lindex(name, 0)
    raw = ports.redis.hget(f"{name}.msgs", oldest) if oldest else None
    sent = (
        datetime.fromtimestamp(msgspec.json.decode(raw, type=_Message).message_timestamp / 1000, UTC)
        if raw
        else now
    )
    return max(now - sent, timedelta())
