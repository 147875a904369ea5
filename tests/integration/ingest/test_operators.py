"""The operators' command line with a worker that carries out what it sends."""

import re
import threading
from datetime import timedelta

import msgspec
import psycopg
import pytest

from ingest import bootstrap
from ingest.article import Quarantined
from ingest.cli import asking
from ingest.handlers.rescore import rescore_sentiment
from ingest.pipeline.sentiment import METHOD_VERSION, score
from ingest.sources.registry import ledgers
from ingest.store import quarantine, sentiments, stories
from shared import bus, keys
from shared.clock import utcnow
from shared.commands import RescoreSentiment, RunSlice
from tests.eventually import eventually

AUDIT = "SELECT action, detail->>'requested_by' FROM audit_log ORDER BY id"


def test_a_backfill_is_planned_started_watched_and_steered(run, working, rows, ports, redis):
    window = ("--since", (utcnow() - timedelta(days=10)).date(), "--source", "guardian")
    code, told, _ = run("backfill", "plan", *window, "--query", "climate")
    assert code == 0
    assert "guardian  2       at least 2  64           0.1" in told
    assert "2 slices, at least 2 calls, at least 0.1 days within the budgets" in told
    assert rows("SELECT count(*) FROM backfills") == [(0,)]
    _, told, _ = run("backfill", "start", *window, "--query", "climate", "--key", "a")
    assert "backfill 1 is running" in told
    bus.send(bus.broker(redis), RunSlice(source="guardian"))
    eventually(lambda: rows("SELECT sum(pages)::int FROM backfill_slices") == [(1,)])
    redis.hset(keys.BACKFILL_CALLS, "guardian", 64)
    rows("UPDATE backfill_slices SET expected_calls = 33, pages = 1, state = 'waiting' RETURNING 1")
    # Twice 32 calls at 64 a day.
    assert re.search(r"2 pages \([0-9.]+/h\), .* left 1\.0 d$", run("backfill", "status")[1])
    assert "backfill 1 is paused" in run("backfill", "pause", 1)[1]
    code, told, _ = run("backfill", "status")
    assert "backfill 1: paused, 'climate'" in told
    assert "by cli:" in told
    assert run("backfill", "resume", 1)[1].endswith("backfill 1 is running")
    assert run("backfill", "cancel", 1)[1].endswith("backfill 1 is cancelled")
    assert run("backfill", "resume", 1)[0::2] == (
        2,
        "newsintel: it is over, or not in a state for that (see the list)",
    )
    assert run("backfill", "status", "--watch")[0] == 0
    assert rows("SELECT action FROM audit_log ORDER BY id") == [
        (f"backfill_{what}",) for what in ("started", "paused", "running", "cancelled")
    ]


def test_what_cannot_be_a_backfill_is_one_sentence(run, ports):
    for arguments, problem in (
        (("--since", "2026-01-02", "--until", "2026-01-01"), "since is not before until"),
        (("--query", "   "), "a query needs words"),
        (("--query", "x" * 501), "query: expected str of length <= 500"),
    ):
        code, _, told = run("backfill", "plan", *arguments)
        assert (code, told) == (2, f"newsintel: {problem}")
    assert (
        run("topics", "add", "guardian", "query", "x", "--every", 1)[2]
        == "newsintel: --every: expected int >= 60"
    )
    assert run("backfill", "pause", -1)[2] == "newsintel: id: expected int >= 1"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--since", "2999-01-01"), "that is in the future: choose a --since that is over"),
        (("--until", "2999-01-01"), "that is in the future: choose an --until that is over"),
        (
            ("--source", "newsapi", "--query", "x", "--since", "2020-01-01", "--until", "2020-02-01"),
            "there is nothing to fetch: newsapi: nothing before ",
        ),
        (("--source", "newsapi", "--source", "twitter"), "invalid choice: 'twitter'"),
    ],
)
@pytest.mark.parametrize("verb", ["plan", "start"])
def test_what_cannot_be_had_is_an_error(run, working, rows, capsys, verb, arguments, problem):
    try:
        code, _, told = run("backfill", verb, *arguments)
    except SystemExit as ended:
        code, told = ended.code, capsys.readouterr().err
    assert (code, problem in told) == (2, True), told
    assert rows("SELECT count(*) FROM backfills") == [(0,)]


def test_no_gaps_are_no_error(run, working, rows):
    rows("DELETE FROM fetches RETURNING id")
    window = ("--source", "guardian", "--since", (utcnow() - timedelta(minutes=1)).isoformat())
    for verb in ("plan", "start"):
        code, told, _ = run("backfill", verb, "--gaps", *window)
        assert (code, told.splitlines()[-1]) == (0, "there are no gaps, or a backfill has them already")
    assert rows("SELECT count(*) FROM backfills") == [(0,)]


def test_the_same_request_is_started_once(run, working, rows):
    yesterday = (utcnow() - timedelta(days=1)).date()
    asked = (
        "--source",
        "guardian",
        "--query",
        "x",
        "--since",
        yesterday - timedelta(days=3),
        "--until",
        yesterday,
    )
    assert run("backfill", "start", *asked)[1].endswith("backfill 1 is running")
    repeated = run("backfill", "start", *asked)[1]
    assert repeated.endswith("backfill 1 is running; it was started before, another --key starts it again")
    assert run("backfill", "start", *asked, "--key", "again")[1].endswith("backfill 2 is running")
    assert run("backfill", "start", *asked[:-2])[1].endswith("backfill 3 is running")
    assert rows("SELECT count(*) FROM backfills") == [(3,)]


def test_in_whatever_order_and_however_often_sources_are_named_it_is_one_request(run, working, rows):
    day = (utcnow() - timedelta(days=1)).date()
    asked = ("--query", "x", "--since", day - timedelta(days=1), "--until", day)
    for names in ("reddit guardian", "guardian reddit", "guardian guardian reddit guardian guardian"):
        sources = [word for name in names.split() for word in ("--source", name)]
        assert "backfill 1 is running" in run("backfill", "start", *asked, *sources)[1]
    assert rows("SELECT sources FROM backfills") == [(["guardian", "reddit"],)]


def test_gaps_that_a_backfill_has_are_not_started_again(run, working, rows):
    rows("DELETE FROM fetches RETURNING id")
    asked = ("--source", "guardian", "--gaps", "--since", (utcnow() - timedelta(days=10)).date())
    until = utcnow().replace(microsecond=0)
    first = ("--until", (until - timedelta(minutes=2)).isoformat())
    assert run("backfill", "start", *asked, *first)[1].endswith("backfill 1 is running")
    assert "backfill 1 is running; it was started before" in run("backfill", "start", *asked, *first)[1]
    for _ in range(2):
        again = run("backfill", "start", *asked, "--until", until.isoformat())
        assert again[1].endswith("there are no gaps, or a backfill has them already")
        run("backfill", "pause", 1)
    run("backfill", "cancel", 1)
    assert run("backfill", "start", *asked)[1].endswith("backfill 2 is running")


def test_a_key_starts_once_however_late_it_is_repeated(run, working, ports, rows):
    asked = ("--source", "guardian", "--query", "x", "--key", "outage")
    assert run("backfill", "start", *asked)[1].endswith("backfill 1 is running")
    # As if it had been an hour ago: `--until` is now, and now is another.
    earlier = "window_from = window_from - '1 h'::interval, window_to = now() - '1 h'::interval"
    rows(f"UPDATE backfills SET {earlier} RETURNING 1")
    assert "backfill 1 is running; it was started before" in run("backfill", "start", *asked)[1]
    assert run("backfill", "start", *asked, "--since", (utcnow() - timedelta(days=2)).date())[2] == (
        "newsintel: this --key was used for another backfill"
    )


def test_without_a_worker_the_command_stays_in_the_queue(run, redis, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.1)
    code, _, told = run("topics", "pause", 1)
    assert code == 2
    assert "no worker has answered" in told
    assert redis.llen("queue:interactive") == 1


def test_topics_are_added_paused_and_resumed(run, working, rows):
    try:
        _, told, _ = run("topics", "add", "reddit", "subreddit", "europe", "--every", 600)
        topic_id = int(told.split("topic ")[1].split(" ")[0])
        assert told.endswith("is now there")
        assert run("topics", "add", "reddit", "subreddit", "europe")[1].endswith("is already there")
        assert run("topics", "pause", topic_id)[1].endswith("is now paused")
        assert run("topics", "pause", topic_id)[1].endswith("is already paused")
        assert "europe" in run("topics", "list")[1]
        assert run("topics", "resume", topic_id)[1].endswith("is now active")
        assert rows(AUDIT) == [
            (action, asking.me()) for action in ("topic_added", "topic_paused", "topic_resumed")
        ]
        assert run("topics", "pause", 10**6)[2] == "newsintel: nothing has that id (see the list)"
        for wrong in ("r/europe", "two words", "europe+", "x"):
            assert "names without r/" in run("topics", "add", "reddit", "subreddit", wrong)[2]
        assert "reddit has subreddit and query" in run("topics", "add", "reddit", "section", "x")[2]
    finally:
        rows("DELETE FROM topics WHERE query = 'europe' RETURNING id")


def test_quarantine_is_listed_shown_replayed_and_dropped(run, working, rows, ports, upstreams, archive):
    good = {
        "webTitle": "A bridge opens",
        "id": "world/bridge",
        "webUrl": "https://www.theguardian.com/world/bridge",
        "webPublicationDate": "2026-01-01T00:00:00Z",
    }
    items = [
        Quarantined(source="guardian", reason=reason, detail="why", original=msgspec.json.encode(original))
        for reason, original in (("bad_date", good), ("no_title", {"id": "x"}), ("no_title", {"id": "y"}))
    ]
    with ports.database.connection() as connection:
        quarantine.insert(connection, items, "f", utcnow())
    _, told, _ = run("quarantine", "list", "--reason", "no_title")
    assert len(told.splitlines()) == 3
    _, told, _ = run("quarantine", "show", 1)
    assert "guardian, bad_date: why" in told
    assert '"A bridge opens"' in told
    assert run("quarantine", "replay", "--all")[1].endswith("1 understood now, 2 still not")
    assert rows("SELECT title FROM articles") == [("A bridge opens",)]
    assert run("quarantine", "drop", 2)[1].endswith("1 dropped")
    assert "name ids, or --all" in run("quarantine", "drop")[2]
    assert run("quarantine", "drop", "--all", "--source", "guardian")[1].endswith("1 dropped")
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]
    assert rows(AUDIT) == [
        (action, asking.me())
        for action in ("quarantine_replayed", "quarantine_dropped", "quarantine_dropped")
    ]
    assert rows("SELECT detail->'ids' FROM audit_log WHERE action = 'quarantine_replayed'") == [([1],)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--limit", "-1"),
        ("list", "--limit", str(2**70)),
        ("list", "--source", "bbc"),
        ("drop", "7"),
        ("replay", "7"),
    ],
)
def test_what_quarantine_cannot_do_is_said(run, working, capsys, arguments):
    try:
        code, _, problem = run("quarantine", *arguments)
    except SystemExit as ended:
        code, problem = ended.code, capsys.readouterr().err
    assert (code, bool(problem)) == (2, True)


def test_sentiments_of_an_older_method_are_made_anew(run, ports, rows, archive, redis):
    archive.article(title="A wonderful, splendid day")
    rows("UPDATE article_sentiments SET method_version = 'old', polarity = 0, label = 'neutral' RETURNING 1")
    assert run("sentiment", "rescore")[0] == 0
    assert redis.llen("queue:bulk") == 1
    rescore_sentiment(RescoreSentiment(), ports, "x")
    assert rows("SELECT method_version, count(*)::int FROM article_sentiments GROUP BY 1") == [
        (METHOD_VERSION, 1)
    ]
    assert rows("SELECT label FROM articles") == [("positive",)]


def test_a_better_version_that_comes_while_its_text_is_scored_keeps_its_own_tone(
    ports, rows, archive, database
):
    article = archive.article(title="A wonderful, splendid day")
    rows("UPDATE article_sentiments SET method_version = 'old' RETURNING 1")
    better = sentiments.Text(
        id=article, title="A terrible, horrible day", description=None, content=None, language="en"
    )
    rescoring = threading.Thread(target=rescore_sentiment, args=(RescoreSentiment(), ports, "x"))
    with psycopg.connect(database.worker) as writer, writer.transaction():
        stories.take_turns(writer)
        writer.execute("UPDATE articles SET title = %s WHERE id = %s", (better.title, article))
        sentiments.upsert(writer, {article: score(better)}, utcnow())
        rescoring.start()
        eventually(lambda: rows("SELECT FROM pg_locks WHERE NOT granted"))
    rescoring.join()
    assert rows("SELECT label FROM articles") == [("negative",)]


def test_an_article_without_its_tone_beside_its_words_gets_it(ports, rows, archive):
    """A worker of a release before migration 0004 writes none there."""
    archive.article(title="A wonderful, splendid day")
    rows("UPDATE article_sentiments SET method_version = %s RETURNING 1", (METHOD_VERSION,))
    rows("UPDATE articles SET label = NULL, polarity = NULL RETURNING 1")
    rescore_sentiment(RescoreSentiment(), ports, "x")
    assert rows("SELECT label FROM articles") == [("positive",)]


def test_status_is_one_screen(run, ports, rows, redis, monkeypatch):
    now, opened = utcnow(), bootstrap.ports
    monkeypatch.setattr(
        bootstrap, "ports", lambda *asked: msgspec.structs.replace(opened(*asked), clock=lambda: now)
    )
    book = ledgers(ports.settings, ports.redis)["newsapi"]
    book.charge(next(iter(book._shares)))
    rows(
        """
        INSERT INTO fetches (id, source, outcome, reason, started_at, finished_at)
        VALUES ('x', 'reddit', 'unreachable', 'it answered 503', now(), now()) RETURNING id
        """
    )
    for hours_ago, reads in enumerate(({"memory": 6, "database": 3}, {"redis": 3}, {"redis": 9})):
        redis.hset(keys.cache_reads(now, hours_ago), mapping=reads)
    bus.send(bus.broker(redis), RunSlice(source="reddit"))
    redis.hset(keys.circuit("reddit"), mapping={"open_until": 1, "why": "it answered 503"})
    until = utcnow() + timedelta(minutes=30)
    ledgers(ports.settings, ports.redis)["guardian"].close(until)
    code, told, _ = run("status")
    assert code == 0
    for part in (
        f"closed, told to wait until {until:%Y-%m-%d %H:%M}",
        "QUEUE        WAITING  OLDEST",
        "bulk         1        ",
        "6 from memory (50%), 3 from redis (25%), 3 from database (25%)",
        "none leads",
        "reddit    unreachable",
        "half_open: it answered 503",
        "newsapi   12 hours    49    50",
        "quarantine: 0 items",
        "reddit  unreachable: it answered 503",
    ):
        assert part in told, told
    assert len(told.splitlines()) < 40


def test_status_without_redis_shows_what_the_database_knows(run, monkeypatch, rows):
    rows(
        """
        INSERT INTO fetches (id, source, outcome, reason, started_at, finished_at)
        VALUES ('x', 'reddit', 'unreachable', 'it answered 503', now(), now()) RETURNING id
        """
    )
    monkeypatch.setenv("NEWSINTEL_REDIS_URL", "redis://127.0.0.1:1")
    code, told, problem = run("status")
    assert (code, problem.startswith("newsintel: Redis does not answer")) == (2, True)
    assert "reddit  unreachable: it answered 503" in told
