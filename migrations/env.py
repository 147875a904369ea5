"""How Alembic runs: one migration at a time in one transaction each, giving up on a busy table instead of waiting."""

import time
from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from shared.config import MigrationSettings, load
from shared.tables import metadata

# Two deployments at once: the second waits for the first.
LOCK = 0x6E657773  # "news"
ASK_AGAIN_SECONDS = 0.5


def _include(name: str | None, kind: str, _parents: Any) -> bool:
    if kind == "table" and name is not None and name.startswith("search_history_"):
        return False  # a month of search_history: made and dropped while the product runs
    return kind != "schema" or name in (None, "public")


def _take_turns(connection: Connection) -> None:
    """Ask again instead of waiting: an index that is built concurrently waits for every statement that runs."""
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
        connection.commit()
        time.sleep(ASK_AGAIN_SECONDS)
    connection.commit()


def run() -> None:
    url = context.config.attributes.get("database_url") or load(MigrationSettings).database_url
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
    with engine.connect() as connection:
        # A migration that cannot have its lock at once would stop every query behind it: better to fail and retry.
        connection.execute(text("SET lock_timeout = '4s'"))
        _take_turns(connection)
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_name=_include,
            compare_type=True,
            compare_server_default=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
