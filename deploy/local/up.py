"""`up`: the whole product on this machine - servers, schema, sources, workers, scheduler, api - until Ctrl-C."""

import argparse
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import httpx
import psutil
import psycopg
import redis
from rich.console import Console

from api.auth.tokens import new_key as new_session_key
from deploy.local import operate, settings
from deploy.local.environment import REPOSITORY
from deploy.local.processes import Child, Group, free_port, has_ended
from deploy.local.secret_files import kept
from deploy.local.servers import Postgres, postgres, valkey
from ingest.seal import new_key
from ingest.store import topics

DATABASE = "newsintel"
HOST = "127.0.0.1"
# The api's alone.
SESSION_KEYS = "NEWSINTEL_SESSION_KEYS"
SIGN_IN = ("NEWSINTEL_REDDIT_CLIENT_ID", "NEWSINTEL_REDDIT_AUTH_URL")
READY_SECONDS = 30
MAX_PORT = 65535

# With a captured set: everything that each source has, page by page, whatever its subject.
WHOLE_SET = [
    ("newsapi", "headlines", "", 60),
    ("guardian", "section", "", 60),
    ("reddit", "subreddit", "all", 20),
]

console = Console(highlight=False)
T = TypeVar("T")


class UpError(Exception):
    """One sentence that says what is in the way."""


def main(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; leaves no process behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        _check(arguments)
        with _exclusive(arguments.data_dir):
            run(arguments)
    except KeyboardInterrupt:
        pass
    except UpError as error:
        console.print(f"deploy.local: {error}", style="red", markup=False)
        return 2
    return 0


def run(arguments: argparse.Namespace) -> None:
    data: Path = arguments.data_dir
    group = Group(data / "processes")
    group.end_leftovers()
    with contextlib.ExitStack() as stack:
        with console.status("Starting") as status:
            status.update("PostgreSQL")
            server = stack.enter_context(_server("PostgreSQL", data / "postgres", postgres))
            status.update("Valkey (Redis protocol)")
            redis_url = stack.enter_context(_server("Valkey", data / "valkey", valkey))
            valkey_process = psutil.Process(redis.Redis.from_url(redis_url).info("server")["process_id"])
            group.note(valkey_process)
            stack.callback(group.stop)
            status.update("Database schema")
            server.create_database(DATABASE)
            _migrate(server)
            status.update("Sources")
            chosen = _sources(arguments, group, data)
            if arguments.payloads:
                _seed_whole_set(server)
            status.update("Workers, scheduler, api")
            ingest = _ingest_settings(arguments, server, redis_url, chosen)
            stack.callback(operate.note(data, ingest).unlink)
            _start_services(arguments, group, server, redis_url, chosen, ingest)
            _wait_ready(f"http://{HOST}:{arguments.port}/health", group)
        _greet(arguments, chosen, data)
        try:
            _watch(group, {"PostgreSQL": server.process, "Valkey": valkey_process})
        except KeyboardInterrupt:
            console.print("Stopping: what is under way is finished first")
            raise


def _check(arguments: argparse.Namespace) -> None:
    if arguments.workers < 1:
        raise UpError(f"--workers: {arguments.workers} is too few; use 1 or more")
    if not 1 <= arguments.port <= MAX_PORT:
        raise UpError(f"--port: {arguments.port} is not a port; use 1 to 65535")
    if arguments.payloads and not arguments.payloads.is_dir():
        raise UpError(f"--payloads: {arguments.payloads} is not a directory")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, arguments.port))
        except OSError as error:
            raise UpError(f"port {arguments.port}: {error.strerror}; choose another with --port") from None


@contextlib.contextmanager
def _exclusive(data: Path) -> Iterator[None]:
    """One `up` a data directory: two would start two servers on the same files."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "lock").open("w")
    except OSError as error:
        raise UpError(f"--data-dir {data}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UpError(f"--data-dir {data} is in use by another `up`") from None
        yield


@contextlib.contextmanager
def _server(name: str, data: Path, start: Callable[[Path], AbstractContextManager[T]]) -> Iterator[T]:
    """Start a server; whatever keeps it from starting becomes one sentence."""
    server = start(data)
    try:
        running = server.__enter__()
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UpError(
            f"{name} does not start on {data} ({first}); its log is there, --data-dir names another"
        ) from error
    try:
        yield running
    finally:
        server.__exit__(None, None, None)


def _migrate(server: Postgres) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "migrations", "upgrade"],
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "NEWSINTEL_DATABASE_URL": server.url("newsintel_owner", DATABASE)},
    )
    if done.returncode != 0:
        raise UpError(f"the migration failed: {done.stderr.strip().splitlines()[-1]}")


def _sources(arguments: argparse.Namespace, group: Group, data: Path) -> settings.Sources:
    """Start the simulator unless every source has a key."""
    port = free_port()
    chosen = settings.sources(
        settings.read_env(), f"http://{HOST}:{port}", captured=arguments.payloads is not None
    )
    if chosen.simulated:
        module = ["deploy.local.upstreams", "--port", str(port)]
        if arguments.payloads:
            module += ["--payloads", str(arguments.payloads.resolve())]
        if arguments.keep_dates:
            module += ["--keep-dates"]
        group.start(Child("upstreams", module, {}, data / "logs" / "upstreams.log"))
        _wait_ready(f"http://{HOST}:{port}/health", group)
    return chosen


def _seed_whole_set(server: Postgres) -> None:
    with psycopg.connect(server.url("newsintel_worker", DATABASE), autocommit=True) as connection:
        for source, kind, query, pages in WHOLE_SET:
            topics.add(
                connection, source=source, kind=kind, query=query, cadence_seconds=900, max_pages=pages
            )


def _ingest_settings(
    arguments: argparse.Namespace, server: Postgres, redis_url: str, chosen: settings.Sources
) -> dict[str, str]:
    return {
        # Without one of the operator's own.
        "NEWSINTEL_SEAL_KEYS": kept(arguments.data_dir, "seal-key", new_key),
        **{name: value for name, value in chosen.environment.items() if name != SESSION_KEYS},
        "NEWSINTEL_DATABASE_URL": server.url("newsintel_worker", DATABASE),
        "NEWSINTEL_REDIS_URL": redis_url,
    }


def _api_settings(
    arguments: argparse.Namespace, server: Postgres, redis_url: str, chosen: settings.Sources
) -> dict[str, str]:
    return {
        "NEWSINTEL_DATABASE_URL": server.url("newsintel_api", DATABASE),
        "NEWSINTEL_REDIS_URL": redis_url,
        "NEWSINTEL_HOST": HOST,
        "NEWSINTEL_PORT": str(arguments.port),
        # Without one of the operator's own.
        SESSION_KEYS: kept(arguments.data_dir, "session-key", new_session_key),
        # What a consent page's address needs; the secret stays with the workers.
        **{name: chosen.environment[name] for name in (SESSION_KEYS, *SIGN_IN) if name in chosen.environment},
    }


def _start_services(
    arguments: argparse.Namespace,
    group: Group,
    server: Postgres,
    redis_url: str,
    chosen: settings.Sources,
    ingest: dict[str, str],
) -> None:
    logs = arguments.data_dir / "logs"
    api = _api_settings(arguments, server, redis_url, chosen)
    group.start(
        Child(
            "worker-interactive",
            ["ingest.worker", "--queues", "interactive"],
            ingest,
            logs / "worker-interactive.log",
        )
    )
    for number in range(1, arguments.workers + 1):
        name = f"worker-bulk-{number}"
        group.start(Child(name, ["ingest.worker", "--queues", "bulk"], ingest, logs / f"{name}.log"))
    group.start(Child("scheduler", ["ingest.scheduler"], ingest, logs / "scheduler.log"))
    group.start(Child("api", ["api"], api, logs / "api.log"))


def _wait_ready(url: str, group: Group) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        for child in group.children:
            if child.exit_code() is not None:
                raise UpError(f"{child.name} ended at start: {child.last_line()}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=2).status_code == 200:  # noqa: PLR2004
                return
        time.sleep(0.05)
    raise UpError(
        f"{url} did not answer within {READY_SECONDS} s; the logs are in {group.children[0].log.parent}"
    )


def _greet(arguments: argparse.Namespace, chosen: settings.Sources, data: Path) -> None:
    base = f"http://{HOST}:{arguments.port}"
    console.print(f"\n[bold green]News Intelligence Platform[/] is running at [bold]{base}[/]\n")
    if chosen.simulated:
        served = f"captured articles of {arguments.payloads}" if arguments.payloads else "made-up articles"
        console.print(
            f"  No key for {', '.join(chosen.simulated)}: the built-in simulator plays them, with {served}."
        )
        console.print("  With keys in .env (see .env.example) the same command pulls the live sources.")
    if chosen.real:
        console.print(f"  Live: {', '.join(chosen.real)}")
    console.print("\n  Try:")
    for path in ("/articles?q=climate", "/articles?sentiment=positive&limit=5", "/sources"):
        console.print(f"    curl '{base}{path}'")
    console.print(f"\n  Sign in:    {base}/auth/reddit/login")
    console.print(f"  All of it:  {base}/docs\n  Logs:       {data / 'logs'}\n  Stop:       Ctrl-C\n")


def _watch(group: Group, servers: Mapping[str, psutil.Process]) -> None:
    while True:
        time.sleep(0.5)
        for name, server in servers.items():
            if has_ended(server):
                raise UpError(f"{name} has ended; start again, its data is kept")
        if ended := group.watch():
            raise UpError(f"{ended.name} keeps ending: {ended.last_line()}")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
