"""The whole captured set through the pipeline: nothing stops it, and order and workers make no difference."""

import json
import multiprocessing
import random
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from rapidfuzz import fuzz, process

from ingest.article import Article, Discarded, Quarantined
from ingest.pipeline import match
from ingest.pipeline.normalise import normalise
from ingest.pipeline.run import run
from ingest.store import fetches
from tests import items
from tests.archive_state import archive_state, inconsistencies, row_versions
from tests.conftest import TABLES

pytestmark = [pytest.mark.payloads, pytest.mark.timeout(600)]

NOW = datetime(2026, 11, 1, tzinfo=UTC)
# Of the pairs that a comparison of all with all finds, so many must share a filed word.
LEAST_RECALL = 0.995


@pytest.fixture(scope="module")
def captured(payloads):
    return items.captured(payloads)


@pytest.fixture(scope="module")
def articles(captured):
    fates = [normalise(i, NOW) for some in captured.values() for i in some if isinstance(i, items.RawItem)]
    return [fate for fate in fates if isinstance(fate, Article)]


@pytest.fixture
def report(request):
    """Prints a measurement where a person who runs the tests sees it."""
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")
    return terminal.write_line


def test_every_captured_item_is_understood_or_named(captured):
    fates = [
        normalise(item, NOW) if isinstance(item, items.RawItem) else item
        for some in captured.values()
        for item in some
    ]
    refused = [fate for fate in fates if isinstance(fate, Quarantined)]
    assert {fate.reason for fate in refused} <= {"no_title", "bad_url", "bad_date"}
    assert len(refused) < len(fates) / 100
    assert len(fates) == len(refused) + sum(isinstance(fate, Article | Discarded) for fate in fates)


def test_titles_and_texts_are_clean(articles):
    for article in articles:
        texts = [article.title, article.description or "", article.content or "", article.author or ""]
        assert not any(
            mark in text for text in texts for mark in ("\r", "\0", "&amp;", "&#", "<p>", "<li>", " chars]")
        )
        assert "\n" not in article.title
        assert article.image_url is None or article.image_url.startswith("http")
        assert "utm_" not in article.url


def test_recall_of_blocking(articles, report):
    """Compare all titles with all, as rapidfuzz does it in one sweep, and see which pairs the filed words find."""
    keys = [article.title_key for article in articles]
    by_word = [" ".join(sorted(key.split())) for key in keys]
    alike = {
        (n, n + 1 + further)
        for texts in (keys, by_word)
        for n in range(len(texts))
        for _, score, further in process.extract_iter(
            texts[n], texts[n + 1 :], scorer=fuzz.ratio, score_cutoff=80
        )
        if score > 80
    }
    titles = [
        match.Title(page=a.page, key=a.title_key, numbers=a.numbers, published_at=a.published_at)
        for a in articles
    ]
    window = timedelta(hours=72)
    same = [
        (a, b)
        for a, b in sorted(alike)
        if match.same_story(titles[a], titles[b], threshold=80, window=window) is not None
    ]
    found = sum(bool(set(articles[a].words) & set(articles[b].words)) for a, b in same)
    bare = [set(match.words(key, "")) for key in keys]
    found_bare = sum(bool(bare[a] & bare[b]) for a, b in alike)
    report(
        f"blocking finds {found} of {len(same)} pairs of one story, and {found_bare} of {len(alike)} pairs of "
        f"alike titles of any time and number; {sum(len(a.words) for a in articles) / len(articles):.1f} words a title"
    )
    assert len(same) > 50
    assert found >= LEAST_RECALL * len(same)
    assert found_bare >= LEAST_RECALL * len(alike)


def ingest(url, redis_url, batch, fetch_id):
    """One worker, with connections of its own."""
    with items.ports(url, redis_url, now=NOW) as ports:
        run(batch, fetch_id, ports)


def test_the_books_close_and_twice_is_once(captured, database, redis_url, report):
    with items.ports(database.worker, redis_url, now=NOW) as ports:
        for source, some in captured.items():
            with ports.database.connection() as conn:
                fetches.begin(
                    conn, source, source=source, topic_id=None, query=None, window=(None, None), at=NOW
                )
            begin = time.perf_counter()
            run(some, source, ports)
            report(f"{source}: {len(some) / (time.perf_counter() - begin):.0f} items a second")
        before = row_versions(database.owner)
        for source, some in captured.items():
            assert run(some, source, ports).stored == 0
        assert row_versions(database.owner) == before
    assert inconsistencies(database.owner) == []
    with psycopg.connect(database.owner) as conn:
        books = conn.execute(
            "SELECT source, fetched, stored, merged, quarantined, discarded FROM fetches"
        ).fetchall()
        [merged_stories] = conn.execute("SELECT count(*) FROM stories WHERE article_count > 1").fetchone()
        [largest] = conn.execute("SELECT max(article_count) FROM stories").fetchone()
    for source, fetched, stored, merged, quarantined, discarded in books:
        assert (
            fetched == 2 * len(captured[source]) == stored + merged + quarantined + sum(discarded.values())
        ), source
    report(
        f"books: {json.dumps(books)}; {merged_stories} stories of several articles, the largest of {largest}"
    )
    assert 40 < merged_stories < 120
    assert largest < 10


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(3))
def test_shuffled_and_four_processes_make_the_same_archive(captured, database, redis_url, seed):
    everything = [item for some in captured.values() for item in some]
    ingest(database.worker, redis_url, everything, "one")
    expected = archive_state(database.owner)
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
    shuffled = random.Random(seed).sample(everything, len(everything))
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=ingest, args=(database.worker, redis_url, shuffled[n::4], f"four-{n}"))
        for n in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert inconsistencies(database.owner) == []
    state = archive_state(database.owner)
    for noun, rows in expected.items():
        assert state[noun] == rows, noun
