"""`python -m migrations.roles`: makes the database and its three roles, as the server's administrator. Safe to repeat.

NEWSINTEL_DATABASE_URL is the administrator's, for any database that exists; NEWSINTEL_OWNER_PASSWORD, _WORKER_PASSWORD
and _API_PASSWORD are what the roles will have. It needs no superuser: CREATEROLE and CREATEDB are enough, as on RDS.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from shared.config import Url, load
from shared.errors import ConfigError

ROLES_SQL = Path(__file__).with_name("roles.sql")
DATABASE = "newsintel"


class RolesSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The administrator's URL, and a password for each role."""

    database_url: Url
    owner_password: str
    worker_password: str
    api_password: str


def make(settings: RolesSettings) -> None:
    """Make what is missing, set every password, and let only our roles in."""
    passwords = {
        "newsintel_owner": settings.owner_password,
        "newsintel_worker": settings.worker_password,
        "newsintel_api": settings.api_password,
    }
    with psycopg.connect(settings.database_url, autocommit=True) as admin:
        admin.execute(ROLES_SQL.read_bytes())
        for role, password in passwords.items():
            # Hashed here, as psql's \password does it: the server, its log and its statistics never see the password.
            hashed = admin.pgconn.encrypt_password(
                password.encode(), role.encode(), b"scram-sha-256"
            ).decode()
            admin.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(hashed))
            )
        _make_database(admin)


def _make_database(admin: psycopg.Connection[Any]) -> None:
    name = sql.Identifier(DATABASE)
    found = admin.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
    if found is None:
        # Giving something to a role takes being able to become it, which creating it does not include.
        admin.execute("GRANT newsintel_owner TO CURRENT_USER")
        # A server that was made without a locale would give a database of unknown encoding, where text is bytes.
        create = "CREATE DATABASE {} OWNER newsintel_owner TEMPLATE template0 ENCODING 'UTF8'"
        admin.execute(sql.SQL(create).format(name))
    admin.execute("SET ROLE newsintel_owner")
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO newsintel_worker, newsintel_api").format(name))


def main() -> int:
    try:
        make(load(RolesSettings))
    except (ConfigError, psycopg.Error) as error:
        print(f"migrations.roles: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
