"""Pages by cursor while workers store, merge and remove: who was there throughout is told exactly once."""

import asyncio
import random
import string
import threading
from datetime import timedelta

import psycopg
import pytest

from api.queries import listing
from ingest.pipeline.run import run
from ingest.store import removal
from tests import items
from tests.items import NOW, raw

pytestmark = pytest.mark.anyio

# Titles are eight words of a row in their order: alike to the next eight, not to those after that, which the ones
# between them merge.
ROWS = 60
_letters = random.Random(1)
WORDS = [["".join(_letters.choices(string.ascii_lowercase, k=6)) for _ in range(12)] for _ in range(ROWS)]
WORKERS = 2


class Workers:
    """Threads that write as ingest does, each through its own connection, until they are told to stop."""

    def __init__(self, database, redis_url, seed):
        self._database, self._redis_url = database, redis_url
        self._stop = threading.Event()
        self._problems = []
        self._threads = [threading.Thread(target=self._bring, args=(seed + n,)) for n in range(WORKERS)]
        self._threads.append(threading.Thread(target=self._remove, args=(seed,)))
        self.removed = {}  # article → its story then

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self._problems, self._problems

    def _bring(self, seed):
        dice = random.Random(seed)
        with items.ports(self._database.worker, self._redis_url) as ports:
            while not self._stop.is_set():
                self._try(lambda: run(batch(dice, dice.randrange(1, 5)), "f", ports))

    def _remove(self, seed):
        dice = random.Random(seed)
        with psycopg.connect(self._database.worker, autocommit=True) as worker:
            while not self._stop.is_set():
                self._try(lambda: self._remove_some(worker, dice))

    def _remove_some(self, worker, dice):
        with worker.transaction():
            there = dict(worker.execute("SELECT id, story_id FROM articles ORDER BY id").fetchall())
            doomed = dice.sample(sorted(there), min(2, len(there)))
            removal.remove_articles(worker, doomed)
        self.removed |= {each: there[each] for each in doomed}
        self._stop.wait(0.02)

    def _try(self, write):
        try:
            write()
        except BaseException as problem:  # noqa: BLE001 - reported at the end of the test
            self._problems.append(problem)
            self._stop.set()


def batch(dice, size):
    return [article(dice) for _ in range(size)]


def article(dice):
    begin = dice.randrange(5)
    title = " ".join(dice.choice(WORDS)[begin : begin + 8])
    at = NOW - timedelta(hours=48, seconds=dice.randrange(60_000))
    outlet = f"outlet{dice.randrange(10**9)}.example"
    return raw(
        title,
        language="en",
        url=f"https://{outlet}/1",
        description="A storm. " * dice.randrange(1, 9),
        published_at=at.isoformat(),
    )


@pytest.mark.parametrize("sort", ["newest", "oldest", "relevance"])
@pytest.mark.parametrize("seed", range(3))
async def test_who_was_there_throughout_is_told_once(api, database, redis_url, monkeypatch, sort, seed):
    monkeypatch.setattr(listing, "RANKED", 10)  # so that lists go on by date
    with items.ports(database.worker, redis_url) as ports:
        run(batch(random.Random(seed), 120), "f", ports)
    with psycopg.connect(database.api, autocommit=True) as reader:
        first, shown, cursor = stories(reader), [], ""
        with Workers(database, redis_url, seed) as workers:
            while cursor is not None:
                answer = await api.get(
                    f"/articles?q=storm&sort={sort}&limit=3{cursor}", headers={"Prefer": "wait=0"}
                )
                body = answer.json()
                shown += [each["id"] for each in body["articles"]]
                cursor = f"&cursor={body['next']}" if body["next"] else None
                await asyncio.sleep(0.02)
        last = stories(reader)
        into = dict(
            reader.execute("SELECT id, merged_into FROM stories WHERE merged_into IS NOT NULL").fetchall()
        )
    assert workers.removed
    assert len(shown) == len(set(shown)), "an article is told twice"
    told = {into.get(story, story) for story in ((last | workers.removed)[each] for each in shown)}
    throughout = {story for each, story in last.items() if each in first}
    assert throughout <= told, "somebody who was there throughout is left out"


def stories(reader):
    """By article."""
    return dict(reader.execute("SELECT id, story_id FROM articles").fetchall())
