"""The whole product but its scheduler, for one benchmark: empty servers, the simulator, workers and an api."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
from alembic import command

from deploy.local import settings
from deploy.local.processes import Child, Group, free_port
from deploy.local.servers import Postgres, postgres, valkey
from migrations.__main__ import alembic_config
from tests.bench import load

DATABASE = "newsintel"


class Product(NamedTuple):
    """Where its parts are."""

    api: str
    simulator: str
    redis: str
    directory: Path
    server: Postgres
    group: Group

    def database(self, role: str) -> str:
        return self.server.url(f"newsintel_{role}", DATABASE)

    def start(self, name: str, module: list[str], environment: Mapping[str, str]) -> None:
        self.group.start(Child(name, module, dict(environment), self.directory / f"{name}.log"))


@contextlib.contextmanager
def running(
    queues: Sequence[str], *, ingest: Mapping[str, str], api: Mapping[str, str] | None = None
) -> Iterator[Product]:
    """queues: each has a worker of its own; ingest and api: settings beside what they need to find one another."""
    with (
        tempfile.TemporaryDirectory(prefix="newsintel-bench-") as name,
        postgres(Path(name) / "postgres") as server,
        valkey(Path(name) / "valkey") as redis_url,
    ):
        server.create_database(DATABASE)
        port, simulator_port = free_port(), free_port()
        product = Product(
            api=f"http://127.0.0.1:{port}",
            simulator=f"http://127.0.0.1:{simulator_port}",
            redis=redis_url,
            directory=Path(name),
            server=server,
            group=Group(Path(name) / "processes"),
        )
        command.upgrade(alembic_config(product.database("owner")), "head")
        for_ingest = {
            **settings.sources({}, product.simulator, captured=True).environment,
            "NEWSINTEL_DATABASE_URL": product.database("worker"),
            "NEWSINTEL_REDIS_URL": redis_url,
            **ingest,
        }
        for_api = {
            **load.SETTINGS,
            "NEWSINTEL_DATABASE_URL": product.database("api"),
            "NEWSINTEL_REDIS_URL": redis_url,
            "NEWSINTEL_PORT": str(port),
            **(api or {}),
        }
        try:
            product.start("upstreams", ["deploy.local.upstreams", "--port", str(simulator_port)], {})
            for queue in queues:
                product.start(queue, ["ingest.worker", "--queues", queue], for_ingest)
            product.start("api", ["api"], for_api)
            for url in (product.api, product.simulator):
                wait_for(lambda url=url: httpx.get(f"{url}/health").is_success)
            yield product
        finally:
            product.group.stop()


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if condition():
                return
        time.sleep(0.05)
    raise TimeoutError(f"not ready within {seconds} s")
