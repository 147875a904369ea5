"""The scheduler: one leads, each slot is sent once, changes of topics take effect."""

import msgspec
import psycopg
import pytest

from ingest.scheduler import SPARE_SECONDS, Lease, Scheduler
from ingest.store import topics
from shared import bus, keys
from shared.clock import utcnow
from shared.commands import Queue
from tests.eventually import eventually


@pytest.fixture
def ports(ports):
    """At one moment, so that no slot begins during a test."""
    moment = utcnow()
    return msgspec.structs.replace(ports, clock=lambda: moment)


@pytest.fixture
def scheduler(ports):
    """scheduler() -> a Scheduler with a lease of its own."""
    return lambda: Scheduler(ports, bus.broker(ports.redis), Lease(ports.redis, 15))


@pytest.fixture
def sent(redis):
    """sent() -> topic ids of all FetchTopic messages in the queue, sorted."""

    def topic_ids():
        messages = redis.hvals(f"{keys.QUEUE_NAMESPACE}:{Queue.BULK}.msgs")
        return sorted(msgspec.json.decode(raw)["args"][0]["topic_id"] for raw in messages)

    return topic_ids


@pytest.fixture
def all_topics(ports):
    with ports.database.connection() as connection:
        return topics.active(connection)


def test_a_fresh_start_sends_every_topic_at_once_and_once(scheduler, sent, all_topics):
    one = scheduler()
    one.start()
    eventually(lambda: len(sent()) >= len(all_topics))
    one.refresh()
    one.stop()
    assert sent() == [t.id for t in all_topics]


def test_only_the_leader_sends(scheduler, sent, all_topics):
    leader, follower = scheduler(), scheduler()
    assert leader.send_slot(all_topics[0])
    follower.refresh()
    assert sent() == [all_topics[0].id]


def test_a_new_leader_does_not_send_a_slot_again(scheduler, sent, all_topics, redis):
    first, second = scheduler(), scheduler()
    first.refresh()
    redis.delete(keys.LEADER)  # its lease lapsed
    second.refresh()
    assert sent() == [t.id for t in all_topics]


def test_a_claim_whose_sender_died_lapses_and_the_slot_is_sent(scheduler, sent, all_topics, redis, ports):
    topic = all_topics[0]
    at = int(ports.clock().timestamp()) // topic.cadence_seconds * topic.cadence_seconds
    slot = keys.slot(f"topic-{topic.id}", at)
    one, other = scheduler(), scheduler()
    redis.set(slot, "claimed", px=60_000)
    assert not one.send_slot(topic)
    redis.delete(slot, keys.LEADER)  # what their times to live do
    assert other.send_slot(topic)
    assert sent() == [topic.id]


def test_a_lease_is_held_by_one_renewed_and_handed_over(ports):
    one, other = Lease(ports.redis, 15), Lease(ports.redis, 15)
    assert one.hold()
    assert one.hold()
    assert not other.hold()
    other.release()  # not its own: stays
    assert not other.hold()
    one.release()
    assert other.hold()


def test_new_and_paused_topics_take_effect(scheduler, sent, ports, database, all_topics):
    one = scheduler()
    one._jobs.start(paused=True)
    one.refresh()
    with ports.database.connection() as connection:
        topics.add(connection, source="guardian", kind="query", query="new one", cadence_seconds=60)
        connection.execute("UPDATE topics SET paused = true WHERE id = %s", (all_topics[0].id,))
    try:
        one.refresh()
        known = {job.id for job in one._jobs.get_jobs()}
        assert str(all_topics[0].id) not in known
        assert len(sent()) == len(all_topics) + 1
        assert len(known) == len(all_topics)
    finally:
        one.stop()
        with psycopg.connect(database.owner, autocommit=True) as owner:
            owner.execute("DELETE FROM topics WHERE query = 'new one'")
            owner.execute("UPDATE topics SET paused = false")


def test_a_lost_redis_sends_later(scheduler, sent, make_ports, all_topics):
    away = make_ports()
    away.redis.connection_pool.connection_kwargs["port"] = 1
    away.redis.connection_pool.disconnect()
    lost = Scheduler(away, bus.broker(away.redis), Lease(away.redis, 15))
    assert not lost.send_slot(all_topics[0])
    assert scheduler().send_slot(all_topics[0])
    assert sent() == [all_topics[0].id]


def test_a_page_of_each_source_that_waits_is_sent_one_at_a_time(scheduler, ports, redis, rows):
    rows(
        """
        WITH b AS (
            INSERT INTO backfills
                (key, requested_by, sources, gaps, window_from, window_to, state, created_at, changed_at)
            SELECT state, 'x', '{}', false, now(), now(), state, now(), now()
            FROM unnest(ARRAY['running', 'paused']) AS state RETURNING id, state
        )
        INSERT INTO backfill_slices
            (backfill_id, source, kind, query, window_from, window_to, expected_calls, retry_at)
        SELECT b.id, source, 'query', 'x', now(), now(), 1, retry_at
        FROM b, (VALUES ('guardian', 'running', now() - interval '1 s'), ('newsapi', 'running', now() + interval '1 h'),
                 ('reddit', 'paused', NULL)) AS s (source, of, retry_at) WHERE s.of = b.state RETURNING id
        """
    )
    one = scheduler()

    def sent():
        messages = redis.hvals(f"{keys.QUEUE_NAMESPACE}:{Queue.BULK}.msgs")
        decoded = [msgspec.json.decode(raw) for raw in messages]
        return [each["args"][0]["source"] for each in decoded if each["actor_name"] == "RunSlice"]

    one.send_slices()
    assert sent() == []  # not before it is known what live work needs
    one._note_live_calls([])
    assert redis.hget(keys.BACKFILL_CALLS, "guardian") == b"250"
    assert 0 < redis.ttl(keys.BACKFILL_CALLS) <= SPARE_SECONDS
    one.send_slices()
    one.send_slices()
    assert sent() == ["guardian"]
    redis.delete(keys.slice_sent("guardian"))  # as the worker does
    one.send_slices()
    assert sent() == ["guardian"]  # live work has the next turns
    assert 100_000 < redis.pttl(keys.slice_pause("guardian")) <= 126_000
    redis.delete(keys.slice_pause("guardian"))
    one.send_slices()
    assert sent() == ["guardian"] * 2


def test_a_lost_database_does_not_end_the_schedule(scheduler, sent, ports):
    ports.database.close()
    scheduler().refresh()
    assert sent() == []
