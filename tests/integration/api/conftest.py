"""An api in this process, on the real database and the real Redis."""

import psycopg
import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from shared.config import ApiSettings
from tests.factories import Archive


@pytest.fixture
def archive(database):
    with psycopg.connect(database.worker, autocommit=True) as connection:
        yield Archive(connection)


@pytest.fixture
def settings(database, redis_url):
    return ApiSettings(
        database_url=database.api, redis_url=redis_url, log_level="warning", cold_wait_seconds=0.3
    )


@pytest.fixture
def app(settings):
    return create_app(settings)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def api(app):
    async with AsyncTestClient(app) as client:
        yield client
