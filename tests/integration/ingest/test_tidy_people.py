"""TidyPeople: what is past its time goes, and nothing else."""

from ingest.handlers.tidy_people import tidy_people
from ingest.scheduler import Lease, Scheduler
from shared import bus, keys
from shared.commands import Queue, SaveArticle, TidyPeople


def counts(rows):
    return rows(
        """
        SELECT (SELECT count(*) FROM idempotency), (SELECT count(*) FROM sessions),
               (SELECT count(*) FROM refresh_tokens), (SELECT count(*) FROM audit_log)
        """
    )[0]


def test_answers_go_after_a_day_sessions_after_a_month_the_log_after_a_year(
    sign_in, do, archive, later, rows
):
    user_id, _ = sign_in()
    do(SaveArticle(user_id=user_id, idempotency_key="k", article_id=archive.article()))
    rows("UPDATE refresh_tokens SET used_at = now() RETURNING 1")
    seen = []
    for days in (0, 2, 8, 59, 61, 366):
        tidy_people(TidyPeople(), later(days=days), "t")
        seen.append(counts(rows))
    assert seen == [(1, 1, 1, 1), (0, 1, 1, 1), (0, 1, 0, 1), (0, 1, 0, 1), (0, 0, 0, 1), (0, 0, 0, 0)]
    assert rows("SELECT count(*) FROM saved_articles") == [(1,)]


def test_a_session_that_ended_goes_a_month_after_its_end(sign_in, later, rows):
    _, session_id = sign_in()
    rows("UPDATE sessions SET ended_at = now(), ended_why = 'signed_out' RETURNING 1")
    tidy_people(TidyPeople(), later(days=29), "t")
    assert rows("SELECT id FROM sessions") == [(session_id,)]
    tidy_people(TidyPeople(), later(days=31), "t")
    assert rows("SELECT id FROM sessions") == []


def test_a_token_that_no_key_opens_waits_for_its_key_and_stops_no_other(
    do, exchange, upstreams, rows, make_ports, ports
):
    upstreams.faults(source="reddit_token", kind="status", status=503, match="revoke_token")
    for _ in range(2):
        assert do(exchange("gone_fishing_again")) == "account_suspended"
        ports.redis.delete(keys.circuit("reddit"))
    upstreams.clear_faults()
    rows(
        "UPDATE revocations SET token = '\\x00' WHERE id = (SELECT min(id::text)::uuid FROM revocations) RETURNING 1"
    )
    tidy_people(TidyPeople(), ports, "t")
    assert rows("SELECT token FROM revocations") == [(b"\x00",)]


def test_a_reddit_that_refuses_our_client_is_asked_for_one_token_only(do, exchange, upstreams, rows, ports):
    upstreams.faults(source="reddit_token", kind="status", status=503, match="revoke_token")
    for _ in range(3):
        assert do(exchange("gone_fishing_again")) == "account_suspended"
        ports.redis.delete(keys.circuit("reddit"))
    upstreams.clear_faults()
    upstreams.faults(source="reddit_token", kind="status", status=401, match="revoke_token")
    calls = upstreams.count("reddit_token")
    tidy_people(TidyPeople(), ports, "t")
    assert upstreams.count("reddit_token") - calls == 1
    assert rows("SELECT count(*) FROM revocations") == [(3,)]


def test_one_round_is_sent_once_whoever_leads(ports, redis):
    schedulers = [Scheduler(ports, bus.broker(ports.redis), Lease(ports.redis, 15)) for _ in range(2)]
    assert schedulers[0].send_tidy()
    redis.delete(keys.LEADER)
    assert not schedulers[1].send_tidy()
    assert redis.hlen(f"{keys.QUEUE_NAMESPACE}:{Queue.BULK}.msgs") == 1
