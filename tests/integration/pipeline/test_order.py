"""Whatever the order, the batches and the number of workers: the archive is the same."""

import random
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ingest.pipeline.run import run
from tests import items
from tests.archive_state import archive_state, inconsistencies
from tests.conftest import TABLES
from tests.items import from_newsapi, from_reddit, raw

NOUNS = [
    "harbour",
    "minister",
    "law",
    "protest",
    "capital",
    "storm",
    "budget",
    "election",
    "strike",
    "festival",
]
VERBS = ["shakes", "divides", "surprises", "stops", "changes"]


def sample(seed: int) -> list[items.RawItem]:
    """Items whose titles overlap, whose pages are sighted several times, in versions, hours apart."""
    dice = random.Random(seed)

    def title():
        words = [*dice.sample(NOUNS, 5), dice.choice(VERBS), *dice.sample(NOUNS, 2)]
        return " ".join(words if dice.random() < 0.5 else sorted(words))

    titles = [title() for _ in range(8)]
    titles += [f"{t} {dice.choice(['again', 'day 2', 'day 3', 'in the north'])}" for t in titles]
    made = []
    for n in range(60):
        page = dice.randrange(30)
        fields = {
            "content": dice.choice([None, "short text", "long text " * 60]),
            "author": dice.choice([None, "Jane Doe", "Bob Byrd"]),
            "published_at": f"2026-02-{dice.randrange(20, 28)}T{dice.randrange(24):02}:00:00Z",
        }
        url = f"https://{dice.choice(['', 'www.', 'm.'])}outlet{page % 4}.example/{page}"
        make = dice.choice([from_newsapi, from_reddit, raw])
        if make is raw:
            fields |= {"url": url, "external_id": f"id/{page}"}
            made.append(raw(dice.choice(titles), **fields))
        else:
            made.append(make(dice.choice(titles), url, **fields))
        if n % 7 == 0:
            made.append(made[-1])
    return made


@pytest.mark.parametrize("seed", range(12))
def test_any_order_and_any_number_of_workers(database, redis_url, seed):
    batch = sample(seed)
    dice = random.Random(seed)
    states = []
    for size, workers in ((100, 1), (1, 1), (7, 1), (5, 4)):
        with psycopg.connect(database.owner, autocommit=True) as owner:
            owner.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
        shuffled = dice.sample(batch, len(batch))
        parts = [shuffled[n::workers] for n in range(workers)]
        with (
            items.ports(database.worker, redis_url, batch_size=size) as ports,
            ThreadPoolExecutor(workers) as threads,
        ):
            list(threads.map(lambda part: run(part, "f", ports), parts))
        assert inconsistencies(database.owner) == []
        states.append(archive_state(database.owner))
    assert any(len(story[0]) > 2 for story in states[0]["stories"])
    for state in states[1:]:
        assert state == states[0]
