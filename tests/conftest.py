"""Real servers for the whole run, clean tables and an empty Redis for each test that asks for them."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import playwright
import psycopg
import pytest
import redis as redis_client
import structlog
from alembic import command
from hypothesis import HealthCheck, settings

from deploy.local.servers import Postgres, postgres, valkey
from migrations.__main__ import alembic_config
from tests.upstreams import upstreams

__all__ = ["upstreams"]

REPOSITORY = Path(__file__).parents[1]
PAYLOADS = Path(os.environ.get("NEWSINTEL_PAYLOADS", REPOSITORY.parent / "shared" / "payloads"))
TABLES = (
    "stories, articles, sightings, title_words, article_sentiments, fetches, quarantine, "
    "users, audit_log, revocations, search_history, backfills"
)

# The AWS CDK runs on Node.js, of which the browser tests' library has one of its own.
os.environ["JSII_NODE"] = str(Path(playwright.__file__).parent / "driver" / "node")

# How long an example takes says how busy the machine is. The rest stays as Hypothesis chooses it, in CI: derandomized.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if PAYLOADS.is_dir():
        return
    for item in items:
        if item.get_closest_marker("payloads"):
            item.add_marker(
                pytest.mark.skip(reason=f"no captured articles at {PAYLOADS.name}/ (set NEWSINTEL_PAYLOADS)")
            )


@pytest.fixture(autouse=True)
def no_context() -> Iterator[None]:
    """What a handler that a test calls by itself says of its lines would be said of the next test's, too."""
    yield
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def payloads() -> Path:
    """The directory of captured articles; mark tests that use it with `payloads`."""
    return PAYLOADS


@pytest.fixture(scope="session")
def server_data() -> Iterator[Path]:
    """Not pytest's own directory: it closes that to other users, and PostgreSQL never runs as root."""
    with tempfile.TemporaryDirectory(prefix="newsintel-test-") as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def postgres_server(server_data: Path) -> Iterator[Postgres]:
    with postgres(server_data / "postgres") as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(server_data: Path) -> Iterator[str]:
    with valkey(server_data / "valkey") as url:
        yield url


@pytest.fixture(scope="session")
def migrated(postgres_server: Postgres) -> SimpleNamespace:
    """A migrated database: .owner, .worker and .api are the URLs of the three roles, .admin the superuser's."""
    name = "newsintel_test"
    postgres_server.create_database(name)
    urls = SimpleNamespace(
        name=name,
        owner=postgres_server.url("newsintel_owner", name),
        worker=postgres_server.url("newsintel_worker", name),
        api=postgres_server.url("newsintel_api", name),
        admin=postgres_server.url("postgres", name),
    )
    command.upgrade(alembic_config(urls.owner), "head")
    return urls


@pytest.fixture
def database(migrated: SimpleNamespace) -> SimpleNamespace:
    """The migrated database with empty tables (the topics that come with the product stay)."""
    with psycopg.connect(migrated.owner, autocommit=True) as owner:
        owner.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
    return migrated


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis."""
    with redis_client.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture
def redis(redis_url: str) -> Iterator[redis_client.Redis]:
    with redis_client.Redis.from_url(redis_url) as client:
        yield client
