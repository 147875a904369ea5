"""What readers may know of a source's budget and circuit: a snapshot under a key of its own.

The ledgers and circuits are the worker's own keys, which the api has no right to read.
"""

from typing import Final

import msgspec
import redis

from ingest.sources import registry
from shared import keys
from shared.clock import Clock
from shared.config import IngestSettings
from shared.events import BudgetLeft, SourceStatus

# Refreshed this often; gone when nobody refreshed it for a while: no status is better than an old one.
SECONDS: Final = 5
LIVES_SECONDS: Final = 30


def publish(settings: IngestSettings, client: redis.Redis, clock: Clock) -> None:
    """Write one snapshot of each source. Raises redis.RedisError."""
    circuits, with_key = registry.circuits(settings, client), registry.configured(settings)
    for source, ledger in registry.ledgers(settings, client).items():
        state = circuits[source].look(clock())
        told = SourceStatus(
            source=source,
            at=clock(),
            configured=source in with_key,
            budget=[
                BudgetLeft(window=left.window, limit=left.limit, left=left.left, ends_at=left.ends_at)
                for left in ledger.remaining()
            ],
            circuit=state.name,
            circuit_reason=state.why,
            circuit_until=state.until,
            told_to_wait_until=ledger.closed_until(clock()),
        )
        client.set(keys.status(source), msgspec.json.encode(told), ex=LIVES_SECONDS)
