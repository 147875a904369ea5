"""An api in this process, on the real database and the real Redis."""

import uuid

import psycopg
import pytest
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.auth.tokens import Keyring, Tokens, new_key
from shared.clock import utcnow
from shared.config import ApiSettings
from tests.factories import UNLIMITED, Archive


@pytest.fixture
def archive(database):
    with psycopg.connect(database.worker, autocommit=True) as connection:
        yield Archive(connection)


@pytest.fixture
def settings(database, redis_url):
    return ApiSettings(
        database_url=database.api,
        redis_url=redis_url,
        log_level="warning",
        cold_wait_seconds=0.3,
        session_keys=new_key(),
        **UNLIMITED,
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


@pytest.fixture
def operator(settings, database):
    """Headers of an operator who signed in."""
    with psycopg.connect(database.worker, autocommit=True) as connection:
        [(user,)] = connection.execute(
            "INSERT INTO users (reddit_id, username, roles, identity_checked_at, last_login_at) "
            "VALUES ('o', 'an operator', '{user,operator}', now(), now()) RETURNING id"
        ).fetchall()
    tokens = Tokens(Keyring(settings.session_keys), utcnow, seconds=60)
    return {
        "Authorization": f"Bearer {tokens.issue(user_id=user, session_id=str(uuid.uuid4()), role='operator')}"
    }
