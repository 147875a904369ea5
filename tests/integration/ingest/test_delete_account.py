"""DeleteAccount: nothing of the user is left in any table or in Redis, and Reddit ends the tokens."""

from datetime import UTC, datetime
from uuid import uuid4

import dramatiq
import msgspec
import psycopg
import pytest

from ingest.handlers.api_keys import touch_keys
from ingest.handlers.searches import record_searches
from ingest.handlers.tidy_people import tidy_people
from shared import keys
from shared.commands import (
    CreateKey,
    DeleteAccount,
    KeyUsed,
    Queue,
    RecordSearches,
    RefreshSession,
    SaveArticle,
    Searched,
    SetPreference,
    TidyPeople,
    TouchKeys,
)

NAME = "marta_reads_the_news"
REDDIT_ID = "q7w3e"
# An id that cannot be mistaken for another number.
USER_ID = 7_310_518_226


@pytest.fixture
def delete(do):
    return lambda user_id, **options: do(
        DeleteAccount(user_id=user_id, idempotency_key=str(uuid4())), **options
    )


@pytest.fixture
def marta(database, sign_in, do, archive, ports, redis):
    """Somebody who has done everything that leaves a trace."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("TRUNCATE search_history")
        owner.execute(f"ALTER TABLE users ALTER COLUMN id RESTART WITH {USER_ID}")
    user_id, session_id = sign_in(NAME, refresh_hash="ab" * 32)
    assert user_id == USER_ID
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE users ALTER COLUMN id RESTART WITH 1000")
    sign_in(NAME)
    write = {"user_id": user_id}
    hashes = {"presented_hash": "ab" * 32, "new_hash": "cd" * 32}
    do(RefreshSession(session_id=session_id, **hashes))
    do(SaveArticle(**write, idempotency_key="1", article_id=archive.article(), notes=f"by {NAME}"))
    do(SetPreference(**write, idempotency_key="2", key="topics", value=["tides"]))
    key = do(
        CreateKey(
            **write, idempotency_key="3", name="k", scopes=["read"], prefix="nik_1234", key_hash="ef" * 32
        )
    )
    touch_keys(TouchKeys(uses=[KeyUsed(key_id=key["key_id"], at=datetime.now(UTC))]), ports, "t")
    record_searches(RecordSearches(searches=[searched(user_id)]), ports, "r")
    redis.set(keys.limit(f"user:{user_id}", "hour", 1), 3)
    redis.set(keys.limit(f"user:{user_id}:key:1", "hour", 1), 3)
    dead_letter(ports, RecordSearches(searches=[searched(user_id)]))
    dead_letter(ports, SaveArticle(**write, idempotency_key="4", article_id=1))
    return user_id


def searched(user_id):
    return Searched(
        id=uuid4(), query="tides", results_count=1, searched_at=datetime.now(UTC), user_id=user_id
    )


def dead_letter(ports, command):
    """As the broker leaves a command that failed to the end."""
    kind = type(command).__name__
    message = dramatiq.Message(
        queue_name=Queue.BULK,
        actor_name=kind,
        args=(msgspec.to_builtins(command),),
        kwargs={},
        options={},
    )
    dead = f"{keys.QUEUE_NAMESPACE}:{Queue.BULK}.XQ"
    ports.redis.zadd(dead, {message.message_id: 1})
    ports.redis.hset(f"{dead}.msgs", message.message_id, message.encode())


def everything_in_postgresql(rows):
    """Every row of every table as text."""
    tables = rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    assert len(tables) > 15
    return "\n".join(
        f"{table}: {row}" for (table,) in tables for (row,) in rows(f'SELECT t::text FROM "{table}" t')
    )


def everything_in_redis(redis):
    """Every key with its whole value."""
    readers = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"zset": lambda name: redis.zrange(name, 0, -1, withscores=True),
        b"set": redis.smembers,
        b"list": lambda name: redis.lrange(name, 0, -1),
    }
    return "\n".join(f"{name}: {readers[redis.type(name)](name)}" for name in redis.scan_iter())


TRACES = [NAME, REDDIT_ID, str(USER_ID)]


def test_the_traces_that_the_next_test_looks_for_are_there_before(marta, rows, redis):
    for trace in TRACES:
        assert trace in everything_in_postgresql(rows)
    assert str(USER_ID) in everything_in_redis(redis)


def test_nothing_is_left_in_any_table_or_in_redis(marta, delete, rows, redis):
    redis.set(keys.limit("user:73:key:1", "hour", 1), 3)
    assert delete(marta) == {}
    for trace in TRACES:
        assert trace not in everything_in_postgresql(rows)
        assert trace not in everything_in_redis(redis)
    assert redis.exists(keys.limit("user:73:key:1", "hour", 1)) == 1  # somebody whose id begins alike
    for table in ("users", "sessions", "refresh_tokens", "saved_articles", "user_preferences", "api_keys"):
        assert rows(f"SELECT count(*) FROM {table}") == [(0,)]
    for table in ("idempotency", "search_history", "revocations"):
        assert rows(f"SELECT count(*) FROM {table}") == [(0,)]
    assert rows("SELECT action, user_id FROM audit_log") == [("account_deleted", None)]


def test_sessions_and_keys_end_at_once_and_reddit_ends_the_tokens(marta, delete, rows, redis, upstreams):
    ended = {keys.revoked_session(row[0]).encode() for row in rows("SELECT id FROM sessions")}
    ended |= {keys.revoked_key(row[0]).encode() for row in rows("SELECT id FROM api_keys")}
    delete(marta)
    assert set(redis.zrange(keys.REVOKED, 0, -1)) == ended
    assert len(ended) == 3
    assert "revoke_token" in upstreams.calls()["last"][-1]["path"]


def test_reddit_being_away_delays_only_reddit(marta, delete, rows, redis, upstreams, ports):
    upstreams.faults(source="reddit_token", kind="status", status=503)
    assert delete(marta) == {}
    assert rows("SELECT count(*) FROM users") == [(0,)]
    assert rows("SELECT count(*) FROM revocations") == [(1,)]
    for trace in TRACES:
        assert trace not in everything_in_postgresql(rows)
    tidy_people(TidyPeople(), ports, "t1")
    assert rows("SELECT count(*) FROM revocations") == [(1,)]
    upstreams.clear_faults()
    redis.delete(keys.circuit("reddit"))
    tidy_people(TidyPeople(), ports, "t2")
    assert rows("SELECT count(*) FROM revocations") == [(0,)]
    assert "revoke_token" in upstreams.calls()["last"][-1]["path"]


def test_a_deletion_that_comes_twice_has_the_same_answer(marta, delete, rows):
    assert delete(marta) == delete(marta) == {}
    assert rows("SELECT count(*) FROM audit_log") == [(1,)]


def test_others_stay(marta, delete, sign_in, do, archive, rows):
    other, session_id = sign_in("tidal_flats")
    do(SaveArticle(user_id=other, idempotency_key="1", article_id=archive.article()))
    delete(marta)
    assert rows("SELECT id FROM users") == [(other,)]
    assert rows("SELECT id FROM sessions WHERE ended_at IS NULL") == [(session_id,)]
    assert rows("SELECT count(*) FROM saved_articles") == [(1,)]
    assert rows("SELECT reddit_tokens IS NOT NULL FROM users") == [(True,)]


def test_what_comes_late_leaves_no_trace(marta, delete, do, ports, rows, archive):
    delete(marta)
    record_searches(RecordSearches(searches=[searched(marta)]), ports, "late")
    assert do(SaveArticle(user_id=marta, idempotency_key="9", article_id=archive.article())) == "account_gone"
    assert str(USER_ID) not in everything_in_postgresql(rows)


def test_a_search_that_is_being_recorded_during_the_deletion_goes_too(marta, delete, ports, rows):
    import threading

    from ingest.store import searches

    with ports.database.connection() as conn:
        with conn.transaction():
            searches.insert(conn, [searched(marta)])
            deleting = threading.Thread(target=delete, args=(marta,))
            deleting.start()
            deleting.join(0.5)
            assert deleting.is_alive()  # it waits for the one that records
        deleting.join(20)
    assert rows("SELECT count(*) FROM search_history") == [(0,)]


def test_who_comes_back_is_somebody_new(marta, delete, sign_in, rows):
    delete(marta)
    again, _ = sign_in(NAME)
    assert again != marta
    assert rows("SELECT count(*) FROM saved_articles") == [(0,)]
