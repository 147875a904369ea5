"""Requests a second and latencies of an answer out of memory, out of Redis and out of the archive.

Beside them, in the same run and from the same server: a bare ASGI callable, a bare Litestar handler and a bare handler
that GETs the same bytes from Redis. One core serves; the other has the load, PostgreSQL and Redis. Servers take turns,
so that all of them see the same machine.
"""

import argparse
import contextlib
import itertools
import os
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus

import httpx
import psutil
import redis

from deploy.local.processes import Child, free_port
from deploy.local.servers import Postgres, postgres, valkey
from tests.bench import archive, bare, load, stand_in, starts
from tests.bench.generator import vocabulary
from tests.bench.load import Measured
from tests.bench.product import wait_for
from tests.bench.report import Figure, report

CONNECTIONS = 32
ROUNDS = 5
SECONDS = 2.0
# The archive's words, the most frequent ones left out.
WORDS = vocabulary()[60:6_000]
STREAM = 10_000
# How many different queries the stream draws from; the second is told beside the first because it matters so much.
DISTINCT = (1_000, 10_000)
UNCACHED = 1_000
MEGABYTES = 150


class Context(NamedTuple):
    """directory: where the servers of this benchmark keep their data between runs."""

    articles: int
    directory: Path


class Servers(NamedTuple):
    """Addresses: the api, the same with its memory switched off, and the three that do almost nothing."""

    api: str
    redis_only: str
    asgi: str
    litestar: str
    bare_redis: str
    process: psutil.Process


class Ingest(NamedTuple):
    """begin: makes it bring ten new articles a second."""

    begin: Callable[[], object]
    process: psutil.Process


def run(context: Context) -> list[Figure]:
    with (
        postgres(context.directory / "postgres") as server,
        valkey(context.directory / "valkey") as redis_url,
        archive.copy(server, archive.template(server, context.articles), "bench_serve") as name,
        background(server.url("newsintel_worker", name), redis_url, context) as ingest,
    ):
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        figures = _starts(server, name, redis_url, context.directory)
        with started(server, name, redis_url, context.directory) as servers:
            with suspended(ingest.process):
                figures += _hits(servers)
            figures += _uncached(servers)
            ingest.begin()
            figures += [_zipf(servers, distinct) for distinct in DISTINCT]
            return [*figures, _memory(servers)]


def _hits(servers: Servers) -> list[Figure]:
    """Every server in turn, several times; the median of its rounds."""
    target = f"/articles?q={quote_plus(WORDS[0])}"
    kinds = {
        "asgi": servers.asgi,
        "litestar": servers.litestar,
        "memory": servers.api,
        "bare redis": servers.bare_redis,
        "redis": servers.redis_only,
    }
    rounds: dict[str, list[Measured]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind, base in kinds.items():
            rounds[kind].append(_closed(base, target, SECONDS))
    speed = {kind: statistics.median(each.per_second for each in done) for kind, done in rounds.items()}
    figures = [
        _speed("bare ASGI callable", speed["asgi"], None),
        _speed("bare Litestar handler", speed["litestar"], speed["asgi"]),
        _speed("hit in memory", speed["memory"], speed["litestar"], 0.8, "the bare Litestar handler"),
        _speed("bare handler with a GET from Redis", speed["bare redis"], speed["litestar"]),
        _speed("hit in Redis", speed["redis"], speed["bare redis"], 0.9, "the bare Redis handler"),
    ]
    for kind in ("memory", "redis"):
        figures += _latency(kind, rounds[kind], rounds["litestar" if kind == "memory" else "bare redis"])
        # The bare callable at the same rate shows what the machine itself adds.
        half, machine = (_half(base, target, speed[kind] / 2) for base in (kinds[kind], servers.asgi))
        figures.append(
            Figure(
                name=f"hit in {kind}, p99 at half load, beside the bare ASGI callable at the same rate", value=half,
                unit="ms", baseline=machine, ratio=half / machine, aim="< 5 ms", met=half < 5,
            )
        )  # fmt: skip
    return figures


def _speed(
    name: str, value: float, baseline: float | None, aim: float | None = None, beside: str = ""
) -> Figure:
    ratio = value / baseline if baseline else None
    return Figure(
        name=name, value=value, unit="requests/s", baseline=baseline, ratio=ratio,
        aim=f">= {aim} x {beside}" if aim else None, met=ratio >= aim if aim and ratio else None,
    )  # fmt: skip


def _latency(kind: str, rounds: Sequence[Measured], beside: Sequence[Measured]) -> list[Figure]:
    return [
        Figure(
            name=f"hit in {kind}, p{percent} with {CONNECTIONS} connections at full load",
            value=_median(percent, rounds), unit="ms", baseline=_median(percent, beside),
            ratio=_median(percent, rounds) / _median(percent, beside),
        )
        for percent in (50, 99)
    ]  # fmt: skip


def _half(base: str, target: str, per_second: float) -> float:
    rounds = [
        load.paced(base, _same(target), per_second=per_second, connections=CONNECTIONS, seconds=SECONDS)
        for _ in range(ROUNDS)
    ]
    return _median(99, rounds)


def _median(percent: float, rounds: Sequence[Measured]) -> float:
    return statistics.median(each.p(percent) for each in rounds)


def _uncached(servers: Servers) -> list[Figure]:
    """Searches that nobody made before: parse, ask the archive, encode, keep."""
    pairs = list(itertools.islice(itertools.combinations(WORDS[10:200], 2), UNCACHED))
    requests = (load.request(f"/articles?q={one}+OR+{other}", {"Prefer": "wait=0"}) for one, other in pairs)
    done = load.closed(servers.api, requests, connections=4, seconds=60)
    _expect_ok(done)
    return [
        _speed("uncached search, 4 at once", done.per_second, None),
        *(Figure(name=f"uncached search, p{n}", value=done.p(n), unit="ms") for n in (50, 99)),
    ]


def _zipf(servers: Servers, distinct: int) -> Figure:
    """A stream in which few queries are asked often and many once, while articles arrive."""
    dice = random.Random(distinct)
    queries = [f"{one} {other}" for one, other in itertools.pairwise(dice.choices(WORDS, k=distinct + 1))]
    weights = list(itertools.accumulate(1 / rank for rank in range(1, distinct + 1)))
    drawn = dice.choices(range(distinct), cum_weights=weights, k=STREAM)
    hits = 0

    def watch(head: bytes) -> None:
        nonlocal hits
        hits += b"newsintel; hit" in head

    requests = (
        load.request(f"/articles?q={quote_plus(queries[rank])}&limit=10", {"Prefer": "wait=0"})
        for rank in drawn
    )
    _expect_ok(load.closed(servers.api, requests, connections=8, seconds=300, watch=watch))
    rate = hits / STREAM * 100
    return Figure(
        name=f"hit rate, {STREAM:,} requests over {distinct:,} queries (Zipf), articles arriving",
        value=rate, unit="%", baseline=100 * (1 - len(set(drawn)) / STREAM),
        aim="> 80 %" if distinct == DISTINCT[0] else None, met=rate > 80 if distinct == DISTINCT[0] else None,
    )  # fmt: skip


def _memory(servers: Servers) -> Figure:
    megabytes = servers.process.memory_info().rss / 1e6
    return Figure(
        name="memory of the api process afterwards", value=megabytes, unit="MB",
        aim=f"< {MEGABYTES} MB", met=megabytes < MEGABYTES,
    )  # fmt: skip


def _starts(server: Postgres, name: str, redis_url: str, directory: Path) -> list[Figure]:
    empty = directory / "empty"
    empty.write_bytes(b"{}")

    def api(port: int, extra: dict[str, str]) -> Child:
        environment = {**_environment(server, name, redis_url), "NEWSINTEL_PORT": str(port), **extra}
        return _start("start", ["api"], environment, directory)

    def bare_litestar(port: int, extra: dict[str, str]) -> Child:
        return _start("start", ["tests.bench.bare", "litestar", str(port), str(empty)], extra, directory)

    return starts.figures(api, bare_litestar, directory)


def _environment(server: Postgres, name: str, redis_url: str) -> dict[str, str]:
    return {
        **load.SETTINGS,
        "NEWSINTEL_DATABASE_URL": server.url("newsintel_api", name),
        "NEWSINTEL_REDIS_URL": redis_url,
        "NEWSINTEL_LOG_LEVEL": "info",
    }


def _start(kind: str, module: list[str], environment: dict[str, str], directory: Path) -> Child:
    """On the serving core."""
    child = Child(kind, module, environment, directory / f"{kind}.log")
    with on_core(0):
        child.start()
    return child


def _closed(base: str, target: str, seconds: float) -> Measured:
    done = load.closed(base, _same(target), connections=CONNECTIONS, seconds=seconds)
    _expect_ok(done)
    return done


def _expect_ok(done: Measured) -> None:
    if set(done.statuses) != {200}:
        raise RuntimeError(f"not all answers are good: {done.statuses}")


def _same(target: str) -> Iterator[bytes]:
    return itertools.repeat(load.request(target))


@contextlib.contextmanager
def started(server: Postgres, name: str, redis_url: str, directory: Path) -> Iterator[Servers]:
    """All five servers, on the serving core; the answer that all of them give is the api's own."""
    ports = [free_port() for _ in range(5)]
    bases = [f"http://127.0.0.1:{port}" for port in ports]
    environment = _environment(server, name, redis_url)
    children: list[Child] = []

    def start(kind: str, module: list[str], extra: dict[str, str]) -> Child:
        children.append(_start(kind, module, extra, directory))
        return children[-1]

    try:
        api = start("api", ["api"], {**environment, "NEWSINTEL_PORT": str(ports[0])})
        wait_for(lambda: httpx.get(f"{bases[0]}/health").is_success)
        start(
            "redis-only", ["api"],
            {**environment, "NEWSINTEL_PORT": str(ports[1]), "NEWSINTEL_MEMORY_SECONDS": "0"},
        )  # fmt: skip
        body = _body(bases[0])
        (directory / "body").write_bytes(body)
        with redis.Redis.from_url(redis_url) as client:
            client.set(bare.KEY, body)
        for kind, port in zip(("asgi", "litestar", "redis"), ports[2:], strict=True):
            arguments = [kind, str(port), str(directory / "body"), *([redis_url] if kind == "redis" else [])]
            start(f"bare-{kind}", ["tests.bench.bare", *arguments], {})
        for base in bases[1:]:
            wait_for(lambda base=base: httpx.get(f"{base}/articles?q={WORDS[0]}").is_success)
        yield Servers(*bases, process=psutil.Process(api.pid))
    finally:
        for child in reversed(children):
            child.stop()


def _body(base: str) -> bytes:
    """The answer once it is fresh, so that it stays the same for minutes."""
    target = f"{base}/articles?q={quote_plus(WORDS[0])}"
    wait_for(lambda: httpx.get(target).json()["freshness"]["state"] == "fresh")
    return httpx.get(target).content


@contextlib.contextmanager
def on_core(number: int) -> Iterator[None]:
    """What is started within runs on this core, where the system lets us say so."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[number % len(before)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def background(url: str, redis_url: str, context: Context) -> Iterator[Ingest]:
    """A process that answers FetchQuery, and brings articles when it is told to."""
    child = Child(
        "stand-in", ["tests.bench.stand_in", url, redis_url, str(context.articles)], {},
        context.directory / "stand-in.log",
    )  # fmt: skip
    child.start()
    try:
        with redis.Redis.from_url(redis_url) as client:
            yield Ingest(lambda: client.set(stand_in.TOLD, "start"), psutil.Process(child.pid))
    finally:
        child.stop()


@contextlib.contextmanager
def suspended(process: psutil.Process) -> Iterator[None]:
    """Hits ask nothing of it, and it would take turns with the load on one core."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="also print one JSON object on the last line")
    arguments = parser.parse_args(argv)
    with on_core(1):
        figures = run(Context(arguments.articles, archive.CACHE / "serve"))
    report("serve", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
