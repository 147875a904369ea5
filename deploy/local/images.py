"""`images`: builds both images, boots them as production does, and checks what they promise.

They get a real PostgreSQL and Valkey, a read-only root, no capability and no privilege; the schema is made by the
worker's image, as a deployment does it. They are stopped in the middle of work, which they finish. A promise that is
not kept fails the run.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local import under_way
from deploy.local.engine import BASE, Engine, EngineError, NoEngineError, engine
from deploy.local.processes import free_port
from deploy.local.servers import Postgres, postgres, valkey

USER = "10001:10001"
# Of our own layers; the official base is about 125 MB, so that an image stays under 230 MB.
MAX_OWN_MB = 100
HEALTHY_SECONDS = 30
# More than an idle process needs, less than any engine waits before it kills.
STOP_SECONDS = 10
DATABASE = "newsintel"
SOCKET = ".s.PGSQL.5432"
HARDENED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host"]


class CheckError(Exception):
    """What an image promises and does not keep."""


@dataclass(frozen=True)
class Image:
    """own: our packages inside; no other one may be."""

    name: str
    own: frozenset[str]

    @property
    def tag(self) -> str:
        return f"localhost/newsintel-{self.name}:local"


@dataclass(frozen=True)
class Process:
    """One container of an image; port: the setting that says where its health check asks."""

    image: Image
    name: str
    role: str
    port: str
    command: tuple[str, ...] = ()


API = Image("api", frozenset({"api", "shared"}))
WORKER = Image("worker", frozenset({"ingest", "migrations", "shared"}))
PROCESSES = (
    Process(API, "api", "newsintel_api", "NEWSINTEL_PORT"),
    Process(WORKER, "worker", "newsintel_worker", "NEWSINTEL_HEALTH_PORT"),
    Process(
        WORKER, "scheduler", "newsintel_worker", "NEWSINTEL_HEALTH_PORT", ("python", "-m", "ingest.scheduler")
    ),
)

# Runs inside an image: what should not be there.
LOOK = """
import json, os, pathlib, shutil
tools = [tool for tool in ("cc", "gcc", "g++", "make", "cargo") if shutil.which(tool)]
caches = [str(path) for path in (pathlib.Path("/root/.cache"), pathlib.Path("/app/.cache")) if path.exists()]
venv = [path.name for path in pathlib.Path("/opt/venv/lib").glob("python*/site-packages/pip")]
print(json.dumps({"tools": tools, "caches": caches, "pip": venv, "packages": sorted(os.listdir("/app"))}))
"""


def main() -> int:
    try:
        with engine() as found:
            for image in (API, WORKER):
                _build(found, image)
            _boot_all(found)
    except NoEngineError as error:
        print(f"images: not checked: {error}")
        return 0
    except (EngineError, CheckError, TimeoutError) as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    print("images: ok")
    return 0


def _build(found: Engine, image: Image) -> None:
    started = time.monotonic()
    found.build(f"Dockerfile.{image.name}", image.tag)
    seconds = time.monotonic() - started
    own = _own_megabytes(found, image)
    print(
        f"  {image.name}: built in {seconds:.0f} s, own layers {own:.0f} MB of {MAX_OWN_MB} allowed",
        flush=True,
    )
    _require(own <= MAX_OWN_MB, f"{image.name}: own layers are {own:.0f} MB, allowed are {MAX_OWN_MB}")
    settings = _inspect(found, image.tag)["Config"]
    _require(settings["User"] == USER, f"{image.name}: runs as {settings['User'] or 'root'}, not as {USER}")
    looked = found.run("run", "--rm", "--user=0", *_hardened(found), image.tag, "python", "-c", LOOK)
    inside = json.loads(looked.splitlines()[-1])
    _require(
        not inside["tools"] and not inside["caches"] and not inside["pip"],
        f"{image.name}: left inside: {inside}",
    )
    _require(set(inside["packages"]) == image.own, f"{image.name}: holds {inside['packages']}")


def _own_megabytes(found: Engine, image: Image) -> float:
    return float(_inspect(found, image.tag)["Size"] - _inspect(found, BASE)["Size"]) / 1e6


def _boot_all(found: Engine) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="newsintel-images-") as scratch,
        postgres(Path(scratch) / "postgres") as server,
        valkey(Path(scratch) / "valkey") as redis_url,
    ):
        server.create_database(DATABASE)
        migrate = _flags(found, server, redis_url, "newsintel_owner")
        found.run("run", "--rm", *migrate, WORKER.tag, "python", "-m", "migrations", "upgrade")
        print("  migrations: ran in the worker's image", flush=True)
        for process in PROCESSES:
            _boot(found, process, server, redis_url)


def _boot(found: Engine, process: Process, server: Postgres, redis_url: str) -> None:
    started = time.monotonic()
    port = free_port()
    flags = [*_flags(found, server, redis_url, process.role), "--env", f"{process.port}={port}"]
    with _container(found, process, flags) as name:
        _wait_healthy(found, name)
        healthy = time.monotonic() - started
        for directory in ("/app", "/tmp", "/run"):  # noqa: S108 - written to by nobody
            written = found.try_run("exec", "--user=0", name, "touch", f"{directory}/written")
            _require(written.returncode != 0, f"{name}: {directory} can be written to")
        with _work(process, server, redis_url, port) as finished:
            found.run("kill", "--signal=TERM", name)
            _require(finished(), f"{name}: SIGTERM ended what was under way:\n{_logs(found, name)}")
        started = time.monotonic()
        found.run("stop", "--time", str(3 * STOP_SECONDS), name)
        stopped = time.monotonic() - started
        code = _inspect(found, name)["State"]["ExitCode"]
        _require(code == 0, f"{name}: SIGTERM ended it with {code}, not 0:\n{_logs(found, name)}")
        _require(stopped < STOP_SECONDS, f"{name}: took {stopped:.0f} s to stop, allowed are {STOP_SECONDS}")
    print(f"  {process.name}: healthy after {healthy:.1f} s, stopped cleanly in {stopped:.1f} s", flush=True)


def _work(
    process: Process, server: Postgres, redis_url: str, port: int
) -> AbstractContextManager[under_way.Finished]:
    if process.name == "api":
        return under_way.reader(port, redis_url)
    if process.name == "worker":
        return under_way.command(server.url("postgres", DATABASE), redis_url)
    return nullcontext(lambda: True)  # what a scheduler does is done in a moment


@contextmanager
def _container(found: Engine, process: Process, flags: list[str]) -> Iterator[str]:
    name = f"newsintel-images-{process.name}"
    found.try_run("rm", "--force", name)
    found.run("run", "--detach", "--name", name, *flags, process.image.tag, *process.command)
    try:
        yield name
    finally:
        found.try_run("rm", "--force", name)


def _hardened(found: Engine) -> list[str]:
    """Without a writable directory, as in production; podman mounts some over a read-only root unless told not to."""
    return [*HARDENED, "--read-only-tmpfs=false"] if found.is_podman else HARDENED


def _flags(found: Engine, server: Postgres, redis_url: str, role: str) -> list[str]:
    """How every container runs. Only the socket is lent: its directory belongs to the server alone."""
    return [
        *_hardened(found),
        *("--volume", f"{server.socket_dir}/{SOCKET}:/run/postgresql/{SOCKET}"),
        *("--env", f"NEWSINTEL_DATABASE_URL=postgresql://{role}@/{DATABASE}?host=/run/postgresql"),
        *("--env", f"NEWSINTEL_REDIS_URL={redis_url}"),
    ]


def _wait_healthy(found: Engine, name: str) -> None:
    deadline = time.monotonic() + HEALTHY_SECONDS
    while time.monotonic() < deadline:
        state = _inspect(found, name)["State"]
        if state["Status"] not in ("created", "running"):
            raise CheckError(f"{name} ended at start with {state['ExitCode']}:\n{_logs(found, name)}")
        if _healthy(found, name):
            return
        time.sleep(0.2)
    raise CheckError(f"{name} is not healthy within {HEALTHY_SECONDS} s:\n{_logs(found, name)}")


def _healthy(found: Engine, name: str) -> bool:
    """The image's own HEALTHCHECK. Docker runs it by itself; podman needs systemd for that, so it is asked to."""
    if found.is_podman:
        return found.try_run("healthcheck", "run", name).returncode == 0
    return bool(_inspect(found, name)["State"]["Health"]["Status"] == "healthy")


def _inspect(found: Engine, name: str) -> dict[str, Any]:
    inspected: list[dict[str, Any]] = json.loads(found.run("inspect", name))
    return inspected[0]


def _logs(found: Engine, name: str) -> str:
    done = found.try_run("logs", "--tail", "20", name)
    return (done.stdout + done.stderr).strip()


def _require(kept: bool, problem: str) -> None:
    if not kept:
        raise CheckError(problem)
