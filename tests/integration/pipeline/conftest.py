"""The pipeline on a real PostgreSQL and a real Redis."""

import psycopg
import pytest

from tests import items


@pytest.fixture
def ports(database, redis_url):
    with items.ports(database.worker, redis_url) as made:
        yield made


@pytest.fixture
def sql(database):
    """Ask the database: sql("SELECT ...") -> rows."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        yield lambda statement, *values: owner.execute(statement, values or None).fetchall()
