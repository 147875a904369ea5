"""Wires the real ports together, once per process."""

from ingest import sources
from ingest.ports import Ports
from ingest.seal import Seal
from shared import db, metrics, redis
from shared.clock import utcnow
from shared.config import IngestSettings


def ports(settings: IngestSettings) -> Ports:
    """Open the database pool, connect Redis and build all sources.

    Raises SchemaTooOldError when the database needs a migration first, ConfigError for a malformed seal key.
    """
    db.check_schema(settings.database_url)
    client = redis.connect(settings.redis_url)
    writer = metrics.build(settings.metrics)
    return Ports(
        settings=settings,
        database=db.pool(settings.database_url, settings.database_pool_size),
        redis=client,
        sources=sources.build(settings, client, writer),
        posts=sources.posts(settings, client, writer),
        identity=sources.identity(settings, client, writer),
        seal=Seal(settings.seal_keys),
        metrics=writer,
        clock=utcnow,
    )
