"""Everything that the sources have, through real workers: complete, the same for any number of them, kill-proof."""

import random
import time

import psycopg
import pytest

from tests.e2e import whole_set
from tests.eventually import eventually

KILLS = 10
TABLES = "stories, articles, sightings, titles, title_words, article_sentiments, fetches, quarantine"


@pytest.fixture
def sources(system):
    """The simulator without limits."""
    system.upstreams.change(**whole_set.SIMULATOR, clock_offset_seconds=whole_set.quiet_offset())
    yield system
    whole_set.forget_topics(system.database)


def start_over(system):
    with psycopg.connect(system.database.owner, autocommit=True) as owner:
        owner.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
    system.redis.flushall()


def wait_for_a_call(system):
    """So that a kill finds somebody at work."""
    before = system.upstreams.calls()["counts"]

    def called():
        if system.idle():
            whole_set.pull(system)
        return system.upstreams.calls()["counts"] != before

    eventually(called, seconds=90)


def ingest(system, workers):
    """Pull everything with this many worker processes; returns the archive."""
    running = [system.worker("bulk", **whole_set.SETTINGS) for _ in range(workers)]
    whole_set.pull(system)
    system.wait_idle(120)
    for worker in running:
        worker.stop()
    whole_set.check_books(system)
    return whole_set.archive(system)


def test_the_books_close_and_a_second_time_changes_nothing(sources):
    first = ingest(sources, workers=1)
    assert len(first["articles"]) > 200
    assert any(len(row[3]) > 1 for row in first["stories"])  # a story that more than one source tells
    assert ingest(sources, workers=1) == first
    stored_again = sources.query("SELECT sum(stored) FROM fetches")
    assert stored_again == [(len(first["articles"]),)]


@pytest.mark.campaign
@pytest.mark.timeout(400)
def test_one_and_four_workers_make_the_same_stories(sources):
    one = ingest(sources, workers=1)
    start_over(sources)
    assert ingest(sources, workers=4) == one


@pytest.mark.campaign
@pytest.mark.timeout(400)
def test_workers_killed_in_mid_batch_lose_and_double_nothing(sources):
    # Small batches, so that a kill falls into the middle of a pull.
    settings = {**whole_set.SETTINGS, "NEWSINTEL_BATCH_SIZE": "5"}
    chance = random.Random(20260523)
    whole_set.pull(sources)
    worker = sources.worker("bulk", **settings)
    killed = 0
    while killed < KILLS:
        wait_for_a_call(sources)
        time.sleep(chance.uniform(0, 0.4))
        worker.process.kill()
        worker.process.wait()
        killed += 1
        worker = sources.worker("bulk", **settings)
    sources.wait_idle(120)
    worker.stop()
    whole_set.check_books(sources)
    after_kills = whole_set.archive(sources)

    start_over(sources)
    assert ingest(sources, workers=1) == after_kills
