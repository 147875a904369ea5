"""A cold query end to end: through api, queue, worker, three slow sources, pipeline and database; then out of Redis.

The baseline is what the slowest source alone takes: the same three requests, sent at once by a plain client.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import redis

from deploy.local import settings
from deploy.local.processes import Child, Group
from deploy.local.servers import postgres, valkey
from deploy.local.upstreams import accounts
from tests.bench.report import Figure, percentile, report

QUERIES = ["climate", "election", "bank", "school", "police"] * 4
DELAY_MS = (200, 250)
REPEATS = 200
AIM_MS = 100
# The pace of a real key would spread twenty queries over a minute; the ledger is charged all the same.
PACE = {"NEWSINTEL_GUARDIAN_CALLS_PER_SECOND": "100"}


def main() -> int:
    with (
        tempfile.TemporaryDirectory(prefix="newsintel-bench-") as directory,
        system(Path(directory)) as running,
    ):
        client = httpx.Client(base_url=running.api, timeout=20)
        slow(running.simulator)
        direct = Direct(running.simulator)
        baseline, cold = [], []
        for query in QUERIES:  # in turn, so that both see the same machine
            forget(running)
            baseline.append(direct.ask(query))
            cold.append(timed(client, query))
        warm = [timed(client, QUERIES[n % len(QUERIES)]) for n in range(REPEATS)]
        client.close()
        direct.close()
    alone, asked = statistics.median(baseline), statistics.median(cold)
    report(
        "cold",
        [
            Figure(
                name=f"cold query, median of {len(cold)}, beside the slowest source alone",
                value=asked, unit="ms", baseline=alone, ratio=asked / alone,
                aim=f"<= baseline + {AIM_MS} ms", met=asked <= alone + AIM_MS,
            ),
            Figure(name="cold query, p95", value=percentile(cold, 95), unit="ms", baseline=percentile(baseline, 95)),
            Figure(
                name="repeated query out of Redis, median", value=statistics.median(warm), unit="ms",
                baseline=asked, ratio=statistics.median(warm) / asked,
            ),
        ],
    )  # fmt: skip
    return 0


def timed(client: httpx.Client, query: str) -> float:
    """Milliseconds until the reader has the articles."""
    started = time.perf_counter()
    answer = client.get("/articles", params={"q": query}, headers={"Prefer": "wait=10"}).raise_for_status()
    took = (time.perf_counter() - started) * 1000
    if not answer.json()["articles"]:
        raise RuntimeError(f"no article for {query!r}")
    return took


class Direct:
    """The three sources asked at once by a plain client with warm connections, as the worker's are."""

    def __init__(self, simulator: str) -> None:
        self._client = httpx.Client(
            headers={"User-Agent": "linux:newsintel-bench:1 (by /u/newsintel)"}, timeout=20
        )
        self._simulator = simulator
        self._token = self._client.post(
            f"{simulator}/reddit/www/api/v1/access_token",
            auth=(accounts.SIMULATOR_REDDIT_CLIENT_ID, accounts.SIMULATOR_REDDIT_CLIENT_SECRET),
            data={"grant_type": "client_credentials"},
        ).json()["access_token"]
        self.ask("warm up")

    def ask(self, query: str) -> float:
        """Milliseconds of the slowest of the three."""
        requests: list[tuple[str, dict[str, str], dict[str, str]]] = [
            ("/newsapi/v2/everything", {"q": query}, {"X-Api-Key": accounts.SIMULATOR_NEWSAPI_KEY}),
            ("/guardian/search", {"q": query, "api-key": accounts.SIMULATOR_GUARDIAN_KEY}, {}),
            ("/reddit/oauth/search", {"q": query}, {"Authorization": f"bearer {self._token}"}),
        ]
        started = time.perf_counter()
        with ThreadPoolExecutor(len(requests)) as threads:
            list(threads.map(self._one, requests))
        return (time.perf_counter() - started) * 1000

    def close(self) -> None:
        self._client.close()

    def _one(self, request: tuple[str, dict[str, str], dict[str, str]]) -> None:
        path, params, headers = request
        self._client.get(f"{self._simulator}{path}", params=params, headers=headers).raise_for_status()


def slow(simulator: str) -> None:
    """Every source takes 200-250 ms, and its limits are out of the way."""
    for source in ("newsapi", "guardian", "reddit"):
        fault = {"source": source, "kind": "delay", "min_ms": DELAY_MS[0], "max_ms": DELAY_MS[1]}
        httpx.post(f"{simulator}/_control/faults", json=fault).raise_for_status()
    limits = {"guardian_per_second": None, "newsapi_plan": "business", "reddit_token_limit": None}
    httpx.post(f"{simulator}/_control/settings", json=limits).raise_for_status()


class Running(NamedTuple):
    """Where the parts are."""

    api: str
    simulator: str
    database: str
    redis: str


def forget(running: Running) -> None:
    """An empty archive and nothing cached; the token that Reddit gave stays."""
    with psycopg.connect(running.database, autocommit=True) as owner:
        owner.execute("TRUNCATE stories, articles CASCADE")
    with redis.Redis.from_url(running.redis) as client:
        for prefix in ("search", "flight", "standing", "answer"):
            for key in client.scan_iter(f"{prefix}:*"):
                client.delete(key)


@contextlib.contextmanager
def system(directory: Path) -> Iterator[Running]:
    """The whole product on an empty archive, without its scheduler."""
    api, simulator = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    group = Group(directory / "processes")
    with postgres(directory / "postgres") as server, valkey(directory / "valkey") as redis_url:
        server.create_database("newsintel")
        owner = {"NEWSINTEL_DATABASE_URL": server.url("newsintel_owner", "newsintel")}
        subprocess.run(
            [sys.executable, "-m", "migrations", "upgrade"], check=True, env={**os.environ, **owner}
        )
        ingest = {
            **settings.sources({}, simulator, captured=True).environment,
            **PACE,
            "NEWSINTEL_DATABASE_URL": server.url("newsintel_worker", "newsintel"),
            "NEWSINTEL_REDIS_URL": redis_url,
        }
        serving = {
            "NEWSINTEL_DATABASE_URL": server.url("newsintel_api", "newsintel"),
            "NEWSINTEL_REDIS_URL": redis_url,
            "NEWSINTEL_PORT": api.rpartition(":")[2],
        }
        port = simulator.rpartition(":")[2]
        parts = [
            ("upstreams", ["deploy.local.upstreams", "--port", port], {}),
            ("worker", ["ingest.worker", "--queues", "interactive"], ingest),
            ("api", ["api"], serving),
        ]
        try:
            for name, module, environment in parts:
                group.start(Child(name, module, environment, directory / f"{name}.log"))
            for url in (api, simulator):
                wait_for(lambda url=url: httpx.get(f"{url}/health").is_success)
            yield Running(api, simulator, server.url("newsintel_owner", "newsintel"), redis_url)
        finally:
            group.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if condition():
                return
        time.sleep(0.05)
    raise TimeoutError(f"not ready within {seconds} s")


if __name__ == "__main__":
    sys.exit(main())
