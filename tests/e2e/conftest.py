"""The product as real processes - workers, scheduler, api - on the test servers and the upstream simulator."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dramatiq
import httpx
import psycopg
import pytest
import redis as redis_client

from api.auth.tokens import new_key as new_session_key
from deploy.local.processes import Child, free_port
from deploy.local.up import SIGN_IN
from ingest.seal import new_key
from shared import bus
from shared.commands import Command, Queue
from tests.eventually import WAIT_SECONDS, eventually


class System:
    """Starts and stops the processes, and looks at what they did."""

    def __init__(self, database: Any, redis_url: str, upstreams: Any, logs: Path) -> None:
        self.database = database
        self.redis = redis_client.Redis.from_url(redis_url)
        self.upstreams = upstreams
        self.logs = logs
        # A killed worker's messages move on after this long; the default is sized for deployments.
        self.ingest_environment = {
            **upstreams.env(),
            "NEWSINTEL_DATABASE_URL": database.worker,
            "NEWSINTEL_REDIS_URL": redis_url,
            "NEWSINTEL_WORKER_DEAD_AFTER_MS": "1500",
            "NEWSINTEL_BULK_POLL_MS": "50",
            "NEWSINTEL_SEAL_KEYS": new_key(),
        }
        self.api_environment = {
            "NEWSINTEL_DATABASE_URL": database.api,
            "NEWSINTEL_REDIS_URL": redis_url,
            "NEWSINTEL_SESSION_KEYS": new_session_key(),
            # On a busy machine the worker is still starting when the api is ready and the first reader asks.
            "NEWSINTEL_COLD_WAIT_SECONDS": "30",
            "NEWSINTEL_COLD_WAIT_MAX_SECONDS": "30",
            **{name: self.ingest_environment[name] for name in SIGN_IN},
        }
        self.children: list[Child] = []
        self._clients: list[httpx.Client] = []

    def start(self, name: str, module: list[str], environment: dict[str, str]) -> Child:
        child = Child(f"{name}-{len(self.children)}", module, environment, self.logs / f"{name}.log")
        child.start()
        self.children.append(child)
        return child

    def worker(self, queues: str = "interactive,bulk", **settings: str) -> Child:
        environment = {**self.ingest_environment, **settings}
        return self.start("worker", ["ingest.worker", "--queues", queues], environment)

    def scheduler(self, **settings: str) -> Child:
        return self.start("scheduler", ["ingest.scheduler"], {**self.ingest_environment, **settings})

    def api(self, **settings: str) -> httpx.Client:
        """Start an api process and return a client of it, ready."""
        port = free_port()
        self.start("api", ["api"], {**self.api_environment, "NEWSINTEL_PORT": str(port), **settings})
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        self._clients.append(client)

        def ready() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return client.get("/health").status_code == 200
            return False

        eventually(ready)
        return client

    def send(self, command: Command) -> str:
        broker: dramatiq.Broker = bus.broker(self.redis)
        return bus.send(broker, command)

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.admin, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchall()

    def lines(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        """What the processes of this name have logged, of that the lines with these fields."""
        log = self.logs / f"{name}.log"
        written = log.read_text().splitlines() if log.exists() else []
        decoded = [json.loads(line) for line in written if line.startswith("{") and line.endswith("}")]
        return [line for line in decoded if fields.items() <= line.items()]

    def idle(self) -> bool:
        """Nothing waits, nothing is delayed, nothing is under way."""
        names = [f"queue:{queue}{kind}.msgs" for queue in Queue for kind in ("", ".DQ")]
        return sum(self.redis.hlen(name) for name in names) == 0

    def wait_idle(self, seconds: float = WAIT_SECONDS) -> None:
        eventually(self.idle, seconds=seconds)

    def stop(self) -> None:
        for child in reversed(self.children):
            child.stop()
        for client in self._clients:
            client.close()
        self.redis.close()


@pytest.fixture
def system(database: Any, redis_url: str, upstreams: Any, tmp_path: Path) -> Iterator[System]:
    upstreams.reset()
    running = System(database, redis_url, upstreams, tmp_path)
    yield running
    running.stop()
