"""Backfills: planned, started once, carried on page by page, steered, and never past a budget."""

from datetime import timedelta

import msgspec
import psycopg
import pytest

from ingest.backfill.slices import reach
from ingest.handlers.backfills import planned_answer
from ingest.handlers.run_slice import MAX_ATTEMPTS, run_slice
from ingest.ports import Priority
from ingest.sources.registry import ledgers
from ingest.store import backfills
from shared import keys
from shared.clock import utcnow
from shared.commands import (
    CancelBackfill,
    PauseBackfill,
    PlanBackfill,
    ResumeBackfill,
    RunSlice,
    StartBackfill,
)

BY = {"requested_by": "someone"}


@pytest.fixture
def start(do):
    """start("guardian", query=...) -> the id of a new backfill of the last ten days."""

    def started(*sources, key="one", days=10, using=None, **asked):
        now = utcnow().replace(microsecond=0)
        command = StartBackfill(
            sources=list(sources), since=now - timedelta(days=days), until=now, key=key, **BY, **asked
        )
        return do(command, using=using)["backfill_id"]

    return started


def work(ports, source="guardian", pages=1):
    for _ in range(pages):
        run_slice(RunSlice(source=source), ports, "x")


def calls(upstreams, source="guardian"):
    return upstreams.calls()["counts"][source]


STATES = "SELECT state, count(*)::int FROM backfill_slices GROUP BY state ORDER BY state"


def test_a_plan_says_what_it_takes_and_starts_nothing(ports, rows, upstreams):
    now = utcnow()
    plan = planned_answer(
        PlanBackfill(sources=["newsapi", "guardian", "reddit"], since=now - timedelta(days=60), until=now),
        ports,
    )
    by_source = {each.source: each for each in plan.sources}
    assert by_source["guardian"].slices == 7 * 9
    # 0.8 of 500 a day less 7 topics of 48 pulls; 0.8 of 50 in 12 hours less 6 topics of 4 pulls.
    assert by_source["guardian"].calls_per_day == 400 - 7 * 48
    assert by_source["newsapi"].calls_per_day == 2 * (40 - 6 * 4)
    assert by_source["reddit"].calls_per_day == 86_400 // 5  # a page every five seconds
    assert plan.days == max(each.days for each in plan.sources)
    assert any("headlines" in sentence for sentence in plan.left_out)
    assert rows("SELECT count(*) FROM backfills") == [(0,)]
    assert calls(upstreams) == 0


def test_a_request_starts_once_and_its_key_belongs_to_it(start, do, rows):
    now = utcnow().replace(microsecond=0)
    command = StartBackfill(
        sources=["guardian"], since=now - timedelta(days=10), until=now, query="climate", key="k", **BY
    )
    first = do(command)
    assert first == {"backfill_id": 1, "state": "running", "created": True}
    assert do(command) == {"backfill_id": 1, "state": "running", "created": False}
    assert do(msgspec.structs.replace(command, query="other")) == "idempotency_mismatch"
    assert rows("SELECT source, kind, query FROM backfill_slices") == [("guardian", "query", "climate")] * 2
    assert rows("SELECT action, detail->>'requested_by' FROM audit_log") == [("backfill_started", "someone")]


def test_the_future_is_refused(do, rows):
    now = utcnow()
    ahead = StartBackfill(
        sources=["guardian"], since=now - timedelta(days=1), until=now + timedelta(hours=1), key="k", **BY
    )
    assert do(ahead) == "in_the_future"
    skewed = msgspec.structs.replace(ahead, until=now + timedelta(seconds=30))  # somebody's clock
    assert do(skewed)["created"]
    assert rows("SELECT max(window_to) < now() FROM backfill_slices") == [(True,)]


def test_nothing_to_do_and_too_much_are_refused(do, make_ports):
    now = utcnow()
    start = StartBackfill(sources=["guardian"], since=now - timedelta(days=10), until=now, key="k", **BY)
    assert do(start, using=make_ports(NEWSINTEL_GUARDIAN_KEY="")) == "nothing_to_do"
    ever = msgspec.structs.replace(start, since=now - timedelta(days=40_000))
    assert do(ever) == "too_large"


@pytest.mark.parametrize("source", ["guardian", "newsapi", "reddit"])
def test_it_brings_what_the_source_has_page_by_page(start, ports, rows, upstreams, source):
    start(source, query="the")
    page = 0
    while rows("SELECT state FROM backfills") == [("running",)]:
        work(ports, source)
        page += 1
    assert rows("SELECT outcome, count(*)::int FROM backfill_slices GROUP BY outcome") in (
        [("ok", 1)],
        [("ok", 2)],
    )
    assert rows("SELECT sum(pages)::int FROM backfill_slices") == [(page,)]
    assert calls(upstreams, source) == page
    [(stored, articles)] = rows("SELECT sum(stored)::int, (SELECT count(*) FROM articles) FROM fetches")
    assert stored == articles > 0
    work(ports, source)
    assert calls(upstreams, source) == page


def test_a_second_with_more_than_a_page_of_articles_does_not_end_it(start, ports, rows, upstreams):
    crowded = utcnow().replace(microsecond=0) - timedelta(days=2)
    times = [crowded] * 101 + [crowded - timedelta(hours=hours) for hours in (1, 2, 3)]
    upstreams.publish(
        "newsapi",
        *(
            {
                "title": f"Zyzzyva {number}",
                "url": f"https://zyzzyva.example/{number}",
                "publishedAt": f"{at:%FT%TZ}",
            }
            for number, at in enumerate(times)
        ),
    )
    start("newsapi", query="zyzzyva", days=3)
    work(ports, "newsapi", 4)
    assert rows("SELECT outcome, pages FROM backfill_slices WHERE state = 'done'") == [("ok", 3)]
    assert rows("SELECT count(*)::int FROM articles WHERE published_at < %s", crowded) == [(3,)]


def test_a_page_that_was_done_is_not_fetched_again(start, ports, rows, upstreams):
    start("reddit", query="the", days=60)
    rows("UPDATE backfill_slices SET kind = 'subreddit', query = 'all' RETURNING id")
    work(ports, "reddit")
    [(cursor,)] = rows("SELECT cursor FROM backfill_slices")
    work(ports, "reddit")
    assert cursor in str(upstreams.calls(last=1)["last"])


def test_no_budget_is_waited_for_and_not_a_failure(start, make_ports, rows, upstreams):
    ports = make_ports(NEWSINTEL_GUARDIAN_CALLS_PER_DAY="4", NEWSINTEL_GUARDIAN_CALLS_PER_SECOND="100")
    start("guardian", query="the", days=100)
    work(ports, pages=6)
    assert calls(upstreams) == 2  # half of four
    [(state, attempts, outcome, retry_at)] = rows(
        "SELECT state, attempts, outcome, retry_at FROM backfill_slices WHERE outcome <> 'ok'"
    )
    assert (state, attempts, outcome) == ("waiting", 0, "budget_spent")
    assert retry_at > utcnow()
    assert retry_at.hour == retry_at.minute == 0
    assert rows("SELECT state FROM backfills") == [("running",)]


def test_what_live_work_needs_is_left_to_it(start, make_ports, redis, upstreams):
    ports = make_ports(NEWSINTEL_GUARDIAN_CALLS_PER_DAY="100", NEWSINTEL_GUARDIAN_CALLS_PER_SECOND="100")
    redis.hset(keys.LIVE_CALLS, "guardian", 77)
    start("guardian", query="the", days=100)
    work(ports, pages=8)
    assert calls(upstreams) == 3  # 80 for cadence and backfills, 77 of them needed
    book = ledgers(ports.settings, redis)["guardian"]
    for _ in range(77):
        book.charge(Priority.CADENCE)


def test_a_source_of_which_the_cadence_needs_all_calls_is_left_out_of_a_start(start, do, make_ports, rows):
    ports = make_ports(
        NEWSINTEL_GUARDIAN_CALLS_PER_DAY="400"
    )  # seven topics of 48 pulls need 336, 0.8 is theirs
    now = utcnow()
    alone = StartBackfill(sources=["guardian"], since=now - timedelta(days=9), until=now, key="k", **BY)
    assert do(alone, using=ports) == "no_budget"
    assert rows("SELECT count(*) FROM backfills") == [(0,)]
    start("guardian", "reddit", query="the", using=ports)
    assert rows("SELECT DISTINCT source FROM backfill_slices") == [("reddit",)]


def test_a_cadence_that_has_come_to_need_all_calls_is_what_a_backfill_waits_for(start, ports, redis, rows):
    start("guardian", query="the")
    redis.hset(keys.LIVE_CALLS, "guardian", 400)
    work(ports)
    [(reason,)] = rows("SELECT reason FROM backfill_slices WHERE reason IS NOT NULL")
    assert reason.startswith("the cadence needs all of its calls per day: none is left for backfills; ")


def test_a_failing_source_is_tried_again_later_and_given_up_in_the_end(
    start, make_ports, rows, upstreams, later, do
):
    ports = make_ports(NEWSINTEL_MAX_ATTEMPTS="1")
    start("guardian", query="the", days=3)
    upstreams.faults(source="guardian", kind="html")
    for attempt in range(MAX_ATTEMPTS):
        ports.redis.flushdb()  # the circuit's time is over
        work(later(using=ports, hours=2 * attempt))
    assert rows("SELECT state, outcome, attempts FROM backfill_slices") == [
        ("failed", "bad_answer", MAX_ATTEMPTS)
    ]
    assert rows("SELECT state FROM backfills") == [("failed",)]
    upstreams.clear_faults()
    ports.redis.flushdb()
    assert do(ResumeBackfill(backfill_id=1, **BY))["state"] == "running"
    work(ports, pages=3)
    assert rows("SELECT state FROM backfills") == [("done",)]


def test_what_failed_is_tried_again_while_the_rest_goes_on(start, do, ports, rows):
    backfill = start("guardian", query="the")
    failed = "state = 'failed', attempts = 8, reason = 'it answered 503', finished_at = now()"
    rows(f"UPDATE backfill_slices SET {failed} WHERE id = (SELECT min(id) FROM backfill_slices) RETURNING 1")
    rows("UPDATE backfill_slices SET attempts = 3, retry_at = 'infinity' WHERE state = 'waiting' RETURNING 1")
    assert do(ResumeBackfill(backfill_id=backfill, **BY))["state"] == "running"
    assert rows("SELECT state, attempts, retry_at::text FROM backfill_slices ORDER BY id") == [
        ("waiting", 0, None),
        ("waiting", 3, "infinity"),
    ]
    assert (
        do(ResumeBackfill(backfill_id=backfill, **BY))["state"] == "running"
    )  # nothing has failed: it goes on
    assert rows("SELECT action FROM audit_log ORDER BY id") == [("backfill_started",), ("backfill_running",)]


def test_each_reason_is_that_of_its_slice(start, ports, rows):
    backfill = start("guardian", query="the", days=28)
    for place, (state, minutes, reason) in enumerate(
        [
            ("failed", None, "it answered 503"),
            ("waiting", 90, "later"),
            ("waiting", 60, "first"),
            ("done", None, "old"),
        ]
    ):
        rows(
            """
            UPDATE backfill_slices
            SET state = %s, reason = %s, retry_at = timestamptz '2030-01-01Z' + make_interval(mins => %s)
            WHERE id = (SELECT id FROM backfill_slices ORDER BY id OFFSET %s LIMIT 1) RETURNING 1
            """,
            state,
            reason,
            minutes,
            place,
        )
    with ports.database.connection() as conn:
        [found] = backfills.progress(conn, backfill)
    assert (found.failed_reason, found.reason) == ("it answered 503", "first")
    assert f"{found.retry_at:%FT%H}" == "2030-01-01T01"


def test_pages_of_the_last_hour_are_counted(start, ports, redis):
    backfill = start("guardian", query="the")
    key = keys.backfill_pages(backfill, "guardian")
    redis.zadd(key, {"long ago": utcnow().timestamp() - 3_700})
    work(ports)
    assert redis.zcard(key) == 1
    assert 0 < redis.ttl(key) <= 3_600


def test_a_later_page_that_stays_bad_is_given_up_too(start, make_ports, rows, upstreams, later, monkeypatch):
    monkeypatch.setattr("ingest.sources.guardian.PAGE_SIZE", dict.fromkeys(Priority, 5))
    ports = make_ports(NEWSINTEL_MAX_ATTEMPTS="1")
    start("guardian", query="the", days=3)
    upstreams.faults(source="guardian", kind="html", match="/next")
    for call in range(2 * MAX_ATTEMPTS):  # the first page again before each that fails
        ports.redis.flushdb()
        work(later(using=ports, hours=2 * call))
    assert rows("SELECT state, outcome, attempts, pages FROM backfill_slices") == [
        ("failed", "bad_answer", MAX_ATTEMPTS, MAX_ATTEMPTS)
    ]


WAITING = """
    SELECT id, attempts, outcome, retry_at FROM backfill_slices WHERE state = 'waiting' AND retry_at IS NOT NULL
"""


def test_a_slice_that_gets_bad_answers_does_not_hold_back_the_others(
    start, make_ports, rows, upstreams, later
):
    ports = make_ports(NEWSINTEL_MAX_ATTEMPTS="1", NEWSINTEL_GUARDIAN_CALLS_PER_SECOND="100")
    start("guardian", query="the", days=10, using=ports)
    upstreams.faults(source="guardian", kind="html")
    work(ports)
    assert [row[:3] for row in rows(WAITING)] == [(1, 1, "bad_answer")]
    upstreams.clear_faults()
    with ports.database.connection() as conn:
        assert backfills.due_sources(conn, utcnow()) == ["guardian"]
    work(ports, pages=9)
    assert rows("SELECT id, state FROM backfill_slices ORDER BY id") == [(1, "waiting"), (2, "done")]
    with ports.database.connection() as conn:
        assert backfills.due_sources(conn, utcnow()) == []
    work(later(using=ports, minutes=2), pages=9)
    assert rows("SELECT state FROM backfills") == [("done",)]


def test_what_the_source_waits_for_all_its_slices_wait_for(start, make_ports, rows, upstreams):
    ports = make_ports(NEWSINTEL_MAX_ATTEMPTS="1", NEWSINTEL_CIRCUIT_FAILURES="1")
    start("guardian", query="the", days=30, using=ports)
    upstreams.faults(source="guardian", kind="html")
    work(ports, pages=9)
    assert calls(upstreams) == 1
    # The second met the open circuit; the others are not tried in turn.
    assert [row[:3] for row in rows(WAITING)] == [(1, 1, "bad_answer"), (2, 0, "circuit_open")]
    with ports.database.connection() as conn:
        assert backfills.due_sources(conn, utcnow()) == []


def test_a_query_that_is_refused_is_not_asked_again(start, ports, rows, upstreams):
    start("newsapi", query="(crypto", days=3)
    work(ports, "newsapi", 2)
    assert rows("SELECT state, outcome FROM backfill_slices") == [("failed", "query_rejected")]
    assert calls(upstreams, "newsapi") == 1


def test_what_has_come_out_of_reach_meanwhile_is_left_out_and_no_failure(
    start, do, ports, rows, upstreams, later
):
    start("newsapi", query="the", days=20)
    assert rows("SELECT count(*)::int FROM backfill_slices") == [(3,)]
    do(PauseBackfill(backfill_id=1, **BY))
    do(ResumeBackfill(backfill_id=1, **BY))
    # The first seven days are past, the next seven in part.
    waited = later(days=21)
    work(waited, "newsapi")
    assert calls(upstreams, "newsapi") == 0
    [(state, outcome, reason)] = rows(
        "SELECT state, outcome, reason FROM backfill_slices WHERE outcome IS NOT NULL"
    )
    assert (state, outcome) == ("done", "out_of_reach")
    assert reason.startswith("newsapi has nothing before ")
    upstreams.change(clock_offset_seconds=21 * 86_400)
    work(waited, "newsapi")
    asked = upstreams.calls(last=1)["last"][0]
    assert f"{reach('developer', waited.clock()):%Y-%m-%d}" in str(asked)
    work(waited, "newsapi", 20)
    assert rows("SELECT state FROM backfills") == [("done",)]
    assert rows("SELECT outcome FROM backfill_slices ORDER BY id") == [("out_of_reach",), ("ok",), ("ok",)]


def test_what_was_out_of_reach_is_not_filled(outage, start, ports, rows, later):
    outage("newsapi", begins=12, ends=2)
    start("newsapi", gaps=True, days=2)
    work(later(days=60), "newsapi")
    assert rows("SELECT state, outcome FROM backfill_slices") == [("done", "out_of_reach")]
    now = utcnow()
    asked = PlanBackfill(sources=["newsapi"], since=now - timedelta(days=2), until=now, gaps=True)
    assert planned_answer(asked, ports).slices == 1


def test_pause_resume_and_cancel(start, do, ports, rows, upstreams):
    backfill = start("guardian", query="the", days=30)
    work(ports)
    assert do(PauseBackfill(backfill_id=backfill, **BY))["state"] == "paused"
    assert do(PauseBackfill(backfill_id=backfill, **BY))["state"] == "paused"
    work(ports, pages=2)
    assert calls(upstreams) == 1
    assert do(ResumeBackfill(backfill_id=backfill, **BY))["state"] == "running"
    work(ports)
    assert calls(upstreams) == 2
    assert do(CancelBackfill(backfill_id=backfill, **BY))["state"] == "cancelled"
    work(ports)
    assert calls(upstreams) == 2
    assert dict(rows(STATES)).keys() <= {"done", "cancelled"}
    assert do(ResumeBackfill(backfill_id=backfill, **BY)) == "wrong_state"
    assert do(PauseBackfill(backfill_id=99, **BY)) == "not_found"


class Meanwhile:
    """A source during whose first call something else happens."""

    def __init__(self, source, happens):
        self.name, self._source, self._happens = source.name, source, happens

    def pages(self, pull):
        self._happens()
        yield from self._source.pages(pull)


@pytest.mark.parametrize(("steer", "state"), [(CancelBackfill, "cancelled"), (PauseBackfill, "paused")])
def test_who_steers_while_a_page_is_on_its_way_has_the_last_word(start, do, ports, rows, steer, state):
    backfill = start("guardian", query="the", days=30)
    steered = Meanwhile(ports.sources["guardian"], lambda: do(steer(backfill_id=backfill, **BY)))
    work(msgspec.structs.replace(ports, sources={"guardian": steered}))
    assert rows("SELECT state FROM backfills") == [(state,)]


def test_two_workers_do_not_ask_for_the_same_page(start, ports, database, upstreams):
    start("guardian", query="the")
    with psycopg.connect(database.worker, autocommit=True) as other:
        assert backfills.take_turn(other, "guardian")
        work(ports)
        assert calls(upstreams) == 0
    for _ in range(50):  # the other one is gone, and with it its turn as soon as the server has noticed
        work(ports)
    assert 1 <= calls(upstreams) <= 2


def test_a_backfill_says_nothing_about_freshness_and_fills_gaps(do, ports, rows, upstreams):
    now = utcnow()
    window = {"sources": ["guardian"], "since": now - timedelta(days=2), "until": now}
    gaps = planned_answer(PlanBackfill(**window, gaps=True), ports)
    assert gaps.slices == 7  # nobody has ever asked
    [(topic_id,)] = rows("SELECT min(id) FROM topics WHERE source = 'guardian'")
    rows(
        """
        INSERT INTO fetches (id, source, topic_id, outcome, started_at, finished_at)
        SELECT n::text, 'guardian', %s, 'ok', at, at
        FROM generate_series(now() - interval '2 days', now(), interval '30 minutes') WITH ORDINALITY AS s (at, n)
        RETURNING id
        """,
        topic_id,
    )
    assert planned_answer(PlanBackfill(**window, gaps=True), ports).slices == 6


@pytest.fixture
def outage(rows):
    """outage(source, begins, ends) -> the one topic, pulled every half an hour but between these hours ago."""
    before = rows("SELECT id, cadence_seconds FROM topics")

    def happened(source, begins, ends):
        [(topic_id,)] = rows("SELECT min(id) FROM topics WHERE source = %s AND kind <> 'headlines'", source)
        rows("UPDATE topics SET paused = id <> %s, cadence_seconds = 1800 RETURNING id", topic_id)
        rows(
            """
            INSERT INTO fetches (id, source, topic_id, outcome, started_at, finished_at)
            SELECT 'pull-' || n, %s, %s, 'ok', at, at
            FROM generate_series(now() - interval '2 days', now(), interval '30 minutes') WITH ORDINALITY AS s (at, n)
            WHERE at NOT BETWEEN now() - %s AND now() - %s RETURNING id
            """,
            source,
            topic_id,
            timedelta(hours=begins),
            timedelta(hours=ends),
        )
        return topic_id

    yield happened
    for topic_id, cadence in before:
        rows(
            "UPDATE topics SET paused = false, cadence_seconds = %s WHERE id = %s RETURNING id",
            cadence,
            topic_id,
        )


WINDOWS = "SELECT window_from, window_to FROM backfill_slices ORDER BY id"


def test_an_outage_at_a_source_that_is_a_day_late_is_asked_for_a_day_earlier(
    outage, start, do, ports, rows, upstreams
):
    outage("newsapi", begins=12, ends=2)
    start("newsapi", gaps=True, days=2)
    now = utcnow()
    [(since, until)] = rows(WINDOWS)
    assert timedelta(hours=35) < now - since < timedelta(hours=38)
    assert timedelta(hours=25) < now - until < timedelta(hours=27)
    work(ports, "newsapi", 3)
    assert rows("SELECT state, outcome FROM backfill_slices") == [("done", "ok")]
    again = PlanBackfill(sources=["newsapi"], since=now - timedelta(days=2), until=now, gaps=True)
    assert planned_answer(again, ports).slices == 0


def test_what_was_asked_for_before_it_could_be_had_is_a_gap_still(outage, start, ports, rows):
    topic_id = outage("newsapi", begins=12, ends=2)
    rows(
        """
        WITH b AS (
            INSERT INTO backfills
                (key, requested_by, sources, gaps, window_from, window_to, state, created_at, changed_at)
            VALUES ('before', 'x', '{newsapi}', true, now(), now(), 'done', now(), now()) RETURNING id
        )
        INSERT INTO backfill_slices
            (backfill_id, source, kind, query, topic_id, window_from, window_to, expected_calls, state, outcome,
             finished_at)
        SELECT id, 'newsapi', 'query', '', %s, now() - interval '40 hours', now(), 1, 'done', 'ok',
            now() - interval '8 hours'
        FROM b RETURNING id
        """,
        topic_id,
    )
    start("newsapi", gaps=True, days=2)
    now = utcnow()
    [_, (since, until)] = rows(WINDOWS)
    assert timedelta(hours=31) < now - since < timedelta(hours=33)
    assert timedelta(hours=25) < now - until < timedelta(hours=27)
