"""Wires the real ports together, once per process."""

from functools import partial

from ingest import sources
from ingest.ports import Ports
from ingest.seal import Seal
from shared import db, redis, saturation
from shared.clock import utcnow
from shared.config import IngestSettings
from shared.meter import Meter


def ports(settings: IngestSettings, service: str = "worker") -> Ports:
    """Open the database pool, connect Redis and build all sources. service: whose pool it is, in metrics.

    Raises SchemaTooOldError when the database needs a migration first, ConfigError for a malformed seal key.
    """
    db.check_schema(settings.database_url)
    client = redis.connect(settings.redis_url)
    database = db.pool(settings.database_url, settings.database_pool_size)
    meter = Meter()
    meter.watch(partial(saturation.measure, meter, database, service))
    return Ports(
        settings=settings,
        database=database,
        redis=client,
        sources=sources.build(settings, client, meter),
        posts=sources.posts(settings, client, meter),
        identity=sources.identity(settings, client, meter),
        seal=Seal(settings.seal_keys),
        metrics=meter,
        clock=utcnow,
    )
