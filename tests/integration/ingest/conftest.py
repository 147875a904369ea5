"""The write side's ports on the test servers, with the simulator as the outside world."""

import pytest

from ingest import bootstrap
from shared.config import IngestSettings, load


@pytest.fixture
def environment(database, redis_url, upstreams):
    upstreams.reset()
    return {
        **upstreams.env(),
        "NEWSINTEL_DATABASE_URL": database.worker,
        "NEWSINTEL_REDIS_URL": redis_url,
        "NEWSINTEL_INTERACTIVE_POLL_MS": "10",
        "NEWSINTEL_BULK_POLL_MS": "10",
    }


@pytest.fixture
def make_ports(environment):
    """make_ports(NEWSINTEL_X="...") -> Ports; closed at the end."""
    made = []

    def make(**settings):
        made.append(bootstrap.ports(load(IngestSettings, {**environment, **settings})))
        return made[-1]

    yield make
    for ports in made:
        ports.database.close()
        ports.redis.close()


@pytest.fixture
def ports(make_ports):
    return make_ports()


@pytest.fixture
def rows(database):
    """rows("SELECT ...") -> list of tuples, as the administrator."""
    import psycopg

    with psycopg.connect(database.admin, autocommit=True) as connection:
        yield lambda statement, *parameters: connection.execute(statement, parameters).fetchall()
