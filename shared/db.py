"""PostgreSQL pools and the check that the schema is new enough for this release."""

from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from shared.errors import ConfigError, SchemaTooOldError

# The oldest migration that this release runs on; revisions are ordered by name.
REQUIRED_REVISION = "0010"

_SESSION = {"autocommit": True}


def pool(url: str, size: int) -> ConnectionPool[psycopg.Connection[Any]]:
    """A blocking pool for workers, opened at once; connections are in autocommit, transactions explicit."""
    return ConnectionPool(url, min_size=1, max_size=size, open=True, kwargs=_SESSION, timeout=10)


def pool_async(url: str, size: int, *, statement_timeout_ms: int) -> AsyncConnectionPool[Any]:
    """An asyncio pool for the api, to be opened in the running loop; read only and with a statement timeout."""
    options = (
        f"-c timezone=UTC -c default_transaction_read_only=on -c statement_timeout={statement_timeout_ms}"
    )
    return AsyncConnectionPool(
        url,
        min_size=min(2, size),
        max_size=size,
        open=False,
        kwargs={**_SESSION, "options": options},
        timeout=2,
    )


def check_schema(url: str) -> None:
    """Raise SchemaTooOldError unless the database has at least REQUIRED_REVISION, ConfigError when it is not there."""
    try:
        connected = psycopg.connect(url, connect_timeout=5)
    except psycopg.ProgrammingError:  # its text shows a piece of the address, which may be of the password
        raise ConfigError("NEWSINTEL_DATABASE_URL is not an address that libpq understands") from None
    except psycopg.OperationalError as error:
        first_line = str(error).strip().splitlines()[0]
        raise ConfigError(f"cannot connect to the database (NEWSINTEL_DATABASE_URL): {first_line}") from None
    with connected as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
    current = row[0] if row else "none"
    if row is None or current < REQUIRED_REVISION:
        raise SchemaTooOldError(
            f"the database schema is at revision {current}, this release needs {REQUIRED_REVISION}: "
            "run `python -m migrations upgrade` first"
        )
