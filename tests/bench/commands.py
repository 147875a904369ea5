"""A user's write end to end: HTTP PUT, queue, worker, commit, answer; idle, and while the bulk queues are full.

The baseline is what many would write instead: a plain handler that INSERTs the same row itself, in the same run.
"""

import argparse
import asyncio
import contextlib
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import psycopg
import redis
from granian.constants import Interfaces
from granian.server.embed import Server
from psycopg_pool import AsyncConnectionPool

from api.auth.tokens import Keyring, Tokens, new_key
from deploy.local.processes import free_port
from ingest.seal import new_key as new_seal_key
from shared import bus
from shared.clock import utcnow
from shared.commands import FetchTopic, Queue, RecordSearches, Searched
from tests.bench import product
from tests.bench.report import Figure, percentile, report
from tests.factories import Archive

WRITES = 400
WARM_UP = 20
# So many bulk commands always wait while the loaded half is measured.
DEPTH = 40
SEARCHES = 500
UNLIMITED = {f"NEWSINTEL_LIMIT_USER_{window}": "100000000" for window in ("BURST", "HOUR")}
DIRECT = """
    INSERT INTO saved_articles (user_id, kind, article_id, story_id, title, url, source, source_name, published_at,
        saved_at, edited_at)
    SELECT 2, 'article', id, story_id, title, url, source, source_name, published_at, now(), now() FROM articles
    WHERE id = %s RETURNING id
"""


class Running(NamedTuple):
    """Where the parts are, and who writes."""

    api: str
    direct: str
    database: str
    redis: str
    token: str


class Series(NamedTuple):
    """Milliseconds of each write, and of the direct one right after it."""

    ours: list[float]
    direct: list[float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", nargs=2, metavar=("PORT", "URL"), help=argparse.SUPPRESS)
    arguments, _ = parser.parse_known_args()
    if arguments.serve:
        asyncio.run(serve(int(arguments.serve[0]), arguments.serve[1]))
        return 0
    with system() as running:
        articles = archive(running.database, 2 * (WRITES + WARM_UP))
        idle = measured(running, articles[: WRITES + WARM_UP])
        with flooded(running):
            loaded = measured(running, articles[WRITES + WARM_UP :])
    report("commands", [*figures("idle", idle, 15, 60), *figures("bulk queues full", loaded, None, 150)])
    return 0


def figures(when: str, series: Series, aim_p50: float | None, aim_p99: float) -> Iterator[Figure]:
    """p50 and p99 of both."""
    for name, percent, aim in (("p50", 50, aim_p50), ("p99", 99, aim_p99)):
        ours, direct = percentile(series.ours, percent), percentile(series.direct, percent)
        yield Figure(
            name=f"save, {when}, {name} of {len(series.ours)}, beside a direct INSERT", value=ours, unit="ms",
            baseline=direct, ratio=ours / direct, aim=f"< {aim} ms" if aim else None, met=ours < aim if aim else None,
        )  # fmt: skip


def measured(running: Running, articles: list[int]) -> Series:
    """In turn, so that both see the same machine."""
    ours, direct = [], []
    with httpx.Client(timeout=30, headers={"Authorization": f"Bearer {running.token}"}) as client:
        for article in articles:
            url = f"{running.api}/me/saved/articles/{article}"
            ours.append(timed(client, url, {"Prefer": "wait=10"}))
            direct.append(timed(client, f"{running.direct}/{article}", {}))
    visible(running.database, len(articles))
    return Series(ours[WARM_UP:], direct[WARM_UP:])


def timed(client: httpx.Client, url: str, headers: dict[str, str]) -> float:
    """Milliseconds until the writer knows that the row is there."""
    started = time.perf_counter()
    answer = client.put(url, headers=headers)
    took = (time.perf_counter() - started) * 1000
    if answer.status_code != httpx.codes.CREATED:
        raise RuntimeError(f"{url}: {answer.status_code} {answer.text}")
    return took


def visible(database: str, at_least: int) -> None:
    """Both users have their rows."""
    with psycopg.connect(database) as conn:
        counts = conn.execute("SELECT user_id, count(*) FROM saved_articles GROUP BY 1 ORDER BY 1").fetchall()
    if [user for user, _ in counts] != [1, 2] or min(count for _, count in counts) < at_least:
        raise RuntimeError(f"rows are missing: {counts}")


@contextlib.contextmanager
def flooded(running: Running) -> Iterator[None]:
    """Keep the bulk queues full: cadence fetches, and searches to be recorded, 500 a command."""
    stop = threading.Event()
    with psycopg.connect(running.database) as conn:
        topics = [row[0] for row in conn.execute("SELECT id FROM topics ORDER BY id").fetchall()]

    def flood() -> None:
        with redis.Redis.from_url(running.redis) as client:
            broker = bus.broker(client)
            while not stop.is_set():
                waiting = client.llen(f"queue:{Queue.BULK}")
                for number in range(max(0, DEPTH - int(waiting))):
                    command = FetchTopic(topic_id=topics[number % len(topics)]) if number % 2 else searches()
                    bus.send(broker, command)
                time.sleep(0.02)

    thread = threading.Thread(target=flood)
    thread.start()
    time.sleep(2)
    try:
        yield
        with redis.Redis.from_url(running.redis) as client:
            if not client.llen(f"queue:{Queue.BULK}"):
                raise RuntimeError("the bulk queue ran empty: the load was none")
    finally:
        stop.set()
        thread.join()


def searches() -> RecordSearches:
    now = datetime.now(UTC)
    made = [
        Searched(id=uuid.uuid4(), query=f"query {n}", results_count=n, searched_at=now)
        for n in range(SEARCHES)
    ]
    return RecordSearches(searches=made)


def archive(database: str, count: int) -> list[int]:
    with psycopg.connect(database, autocommit=True) as conn:
        made = Archive(conn)
        return [made.article(f"Article {number}") for number in range(count)]


async def serve(port: int, database: str) -> None:
    """The baseline: one handler, one INSERT, on the same server as the api."""
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        database, min_size=2, max_size=4, open=False, kwargs={"autocommit": True}
    )
    await pool.open()

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        article = int(scope["path"].rpartition("/")[2])
        async with pool.connection() as conn:
            row = await (await conn.execute(DIRECT, (article,))).fetchone()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 201 if row else 404, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id":%d}' % (row[0] if row else 0)})

    await Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False).serve()


@contextlib.contextmanager
def system() -> Iterator[Running]:
    """Both kinds of worker, an api, two users; and the baseline's handler."""
    session_keys, port = new_key(), free_port()
    direct = f"http://127.0.0.1:{port}"
    with product.running(
        ["interactive", "bulk"],
        ingest={"NEWSINTEL_GUARDIAN_CALLS_PER_SECOND": "1000", "NEWSINTEL_SEAL_KEYS": new_seal_key()},
        api={"NEWSINTEL_SESSION_KEYS": session_keys, **UNLIMITED},
    ) as parts:
        worker = parts.database("worker")
        parts.start("direct", ["tests.bench.commands", "--serve", str(port), worker], {})
        product.wait_for(lambda: httpx.put(f"{direct}/0").status_code == httpx.codes.NOT_FOUND)
        yield Running(parts.api, direct, worker, parts.redis, signed_in(worker, session_keys))


def signed_in(database: str, session_keys: str) -> str:
    """An access token of user 1, who has an open session; user 2 is the baseline's."""
    session, now = uuid.uuid4(), utcnow()
    with psycopg.connect(database) as conn:
        for name in ("one", "two"):
            conn.execute(
                "INSERT INTO users (reddit_id, username, identity_checked_at, last_login_at) VALUES (%s, %s, %s, %s)",
                (name, name, now, now),
            )
        conn.execute(
            "INSERT INTO sessions (id, user_id, device, created_at, last_used_at, expires_at) "
            "VALUES (%s, 1, '', %s, %s, %s)",
            (session, now, now, now + timedelta(days=1)),
        )
    tokens = Tokens(Keyring(session_keys), utcnow, seconds=3600)
    return tokens.issue(user_id=1, session_id=str(session), role="user")


if __name__ == "__main__":
    sys.exit(main())
