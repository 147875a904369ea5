"""FetchTopic: page after page, no call too many, and a second try when it makes sense."""

from datetime import timedelta

import msgspec
import psycopg
import pytest
import structlog
from dramatiq.errors import Retry

from ingest.handlers.fetch_topic import fetch_topic
from ingest.sources.registry import ledgers
from ingest.store import topics
from shared.clock import utcnow
from shared.commands import FetchTopic
from shared.metrics import FATES


@pytest.fixture
def topic(database):
    """Everything of the Guardian, 200 a page at most; the simulator has less than one page of it."""
    with psycopg.connect(database.worker, autocommit=True) as connection:
        topics.add(
            connection, source="reddit", kind="subreddit", query="all", cadence_seconds=1200, max_pages=20
        )
        [made] = [t for t in topics.active(connection) if t.query == "all"]
    yield made
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("DELETE FROM topics WHERE id = %s", (made.id,))


def pages(upstreams):
    return sum(call["path"].endswith("/new") for call in upstreams.calls(last=100)["last"])


def test_all_pages_at_first_and_one_when_nothing_is_new(topic, ports, upstreams, rows):
    fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    whole = pages(upstreams)
    assert whole > 1
    fetch_topic(FetchTopic(topic_id=topic.id), ports, "two")
    assert pages(upstreams) == whole + 1
    assert rows("SELECT id, outcome, pages FROM fetches ORDER BY id") == [
        ("one:reddit", "ok", whole),
        ("two:reddit", "ok", 1),
    ]


def test_a_pull_and_the_fates_of_its_items_are_counted_as_the_books_have_them(topic, ports, upstreams, rows):
    fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    upstreams.faults(source="reddit", kind="status", status=401)
    fetch_topic(FetchTopic(topic_id=topic.id), ports, "two")
    counts = ports.metrics.seen().counts
    [(outcome,)] = rows("SELECT outcome FROM fetches WHERE id = 'two:reddit'")
    assert counts["fetches", ("reddit", "ok")] == counts["fetches", ("reddit", outcome)] == 1
    [fates] = rows(
        """
        SELECT stored, merged, quarantined, (SELECT sum(value::int)::int FROM jsonb_each_text(discarded))
        FROM fetches WHERE id = 'one:reddit'
        """
    )
    assert tuple(counts["articles", ("reddit", fate)] for fate in FATES) == fates
    assert all(fates[0::3])


def test_a_torn_pull_is_repeated_to_its_end(topic, ports, upstreams, rows):
    upstreams.faults(source="reddit", kind="status", status=503, match="/r/all/new")
    with pytest.raises(Retry):
        fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    upstreams.clear_faults()
    fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    whole = pages(upstreams)
    # The same command again, as after a kill: known pages do not end it.
    fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    assert pages(upstreams) - whole > 1
    assert rows("SELECT outcome FROM fetches") == [("ok",)]


def test_a_failure_that_may_pass_is_tried_again_within_the_slot(topic, ports, upstreams, rows):
    upstreams.faults(source="reddit", kind="status", status=503)
    with pytest.raises(Retry) as retry:
        fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    assert 1000 <= retry.value.delay <= 60_000
    [(outcome, reason)] = rows("SELECT outcome, reason FROM fetches")
    assert outcome == "unreachable"
    assert "503" in reason


def test_a_source_that_is_not_to_be_asked_yet_is_no_failure_and_no_spent_budget(topic, ports, rows):
    ledgers(ports.settings, ports.redis)["reddit"].close(utcnow() + timedelta(seconds=20))
    with structlog.testing.capture_logs() as logs, pytest.raises(Retry):
        fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    [line] = [each for each in logs if each["event"].startswith("fetch_")]
    assert (line["event"], line["log_level"], line["code"]) == ("fetch_waits", "info", "no_turn")
    assert rows("SELECT outcome FROM fetches") == [("no_turn",)]


def test_later_the_next_slot_is_the_retry(topic, ports, upstreams):
    upstreams.faults(source="reddit", kind="status", status=503)
    with pytest.raises(Retry):
        fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    later = msgspec.structs.replace(ports, clock=lambda: utcnow() + timedelta(seconds=400))
    fetch_topic(FetchTopic(topic_id=topic.id), later, "one")


def test_a_failure_that_does_not_pass_is_recorded_and_not_tried_again(topic, make_ports, rows):
    ports = make_ports(NEWSINTEL_REDDIT_CLIENT_SECRET="wrong")
    fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    assert rows("SELECT outcome FROM fetches") == [("key_refused",)]


def test_a_topic_that_is_gone_or_paused_is_not_pulled(topic, ports, upstreams, database, rows):
    with psycopg.connect(database.worker, autocommit=True) as connection:
        connection.execute("UPDATE topics SET paused = true WHERE id = %s", (topic.id,))
    fetch_topic(FetchTopic(topic_id=topic.id), ports, "one")
    fetch_topic(FetchTopic(topic_id=10**9), ports, "two")
    assert pages(upstreams) == 0
    assert rows("SELECT count(*) FROM fetches") == [(0,)]
