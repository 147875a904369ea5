"""An api and a worker in this process, on the real servers, with the simulator as Reddit."""

import time

import psycopg
import pytest

from api.app import create_app
from ingest import bootstrap
from ingest.seal import new_key
from shared.config import ApiSettings, IngestSettings, load
from tests.eventually import eventually
from tests.factories import Archive
from tests.people import ORIGIN, SESSION_KEYS, Person


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def within_an_hour():
    """What is limited per hour is counted anew when the hour turns."""
    eventually(lambda: time.time() % 3_600 < 3_570, seconds=60)


@pytest.fixture
def archive(database):
    with psycopg.connect(database.worker, autocommit=True) as connection:
        yield Archive(connection)


@pytest.fixture
def settings(database, redis_url, upstreams):
    upstreams.reset()
    environment = upstreams.env()
    return ApiSettings(
        database_url=database.api,
        redis_url=redis_url,
        log_level="warning",
        cold_wait_seconds=0.1,
        # Tests send many writes at once, and some machines are busy.
        write_wait_seconds=60,
        cold_wait_max_seconds=60,
        public_url=ORIGIN,
        session_keys=SESSION_KEYS,
        reddit_client_id=environment["NEWSINTEL_REDDIT_CLIENT_ID"],
        reddit_auth_url=environment["NEWSINTEL_REDDIT_AUTH_URL"],
    )


@pytest.fixture
def ports(database, redis_url, upstreams):
    environment = {
        **upstreams.env(),
        "NEWSINTEL_DATABASE_URL": database.worker,
        "NEWSINTEL_REDIS_URL": redis_url,
        "NEWSINTEL_SEAL_KEYS": new_key(),
        "NEWSINTEL_INTERACTIVE_POLL_MS": "10",
        "NEWSINTEL_BULK_POLL_MS": "10",
    }
    made = bootstrap.ports(load(IngestSettings, environment))
    yield made
    made.database.close()
    made.redis.close()


@pytest.fixture
async def app(settings, working):
    made = create_app(settings)
    async with made.lifespan():
        yield made


@pytest.fixture
def person(app, upstreams):
    """person() -> a new Person; person(address=...) comes from there."""
    return lambda **details: Person(app, upstreams, **details)


@pytest.fixture
def rows(database):
    """rows("SELECT ...", value) -> rows, as the administrator sees them."""

    def select(statement, *values):
        with psycopg.connect(database.admin, autocommit=True) as connection:
            return connection.execute(statement, values).fetchall()

    return select
