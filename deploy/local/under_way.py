"""Work that is under way in a process when SIGTERM comes: a reader who waits, and a command that is carried out."""

import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus

import psycopg
import redis

from shared import bus, keys
from shared.commands import FetchQuery, Queue
from shared.query_key import query_key

BEGUN_SECONDS = 15

# Whether the work was finished; waits for it.
Finished = Callable[[], bool]


@contextmanager
def reader(port: int, redis_url: str) -> Iterator[Finished]:
    """Somebody searches for what the archive has not, and waits for sources that no worker asks."""
    url = f"http://127.0.0.1:{port}/articles?q=storm"
    request = urllib.request.Request(url, headers={"Prefer": "wait=2"})
    with ThreadPoolExecutor(1) as thread, redis.Redis.from_url(redis_url) as client:
        answer = thread.submit(urllib.request.urlopen, request, timeout=BEGUN_SECONDS)
        _until(lambda: bool(client.llen(f"{keys.QUEUE_NAMESPACE}:{Queue.INTERACTIVE}")))
        yield lambda: bool(answer.result().status == HTTPStatus.OK)


@contextmanager
def command(database_url: str, redis_url: str) -> Iterator[Finished]:
    """A worker carries out a command, and cannot end it before this has let go of the table that it writes to."""
    with psycopg.connect(database_url) as holding, redis.Redis.from_url(redis_url) as client:
        holding.execute("LOCK fetches IN ACCESS EXCLUSIVE MODE")
        fetch = FetchQuery(query="flood", query_key=query_key("flood"))
        command_id = bus.send(bus.broker(client), fetch)
        _until(lambda: _somebody_waits(database_url))

        def finished() -> bool:
            holding.rollback()
            _until(lambda: bool(client.exists(keys.answer(command_id))))
            return True

        yield finished


def _somebody_waits(database_url: str) -> bool:
    with psycopg.connect(database_url, autocommit=True) as looking:
        waiting = looking.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    return waiting is not None


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BEGUN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing happened for {BEGUN_SECONDS} s")
        time.sleep(0.05)
