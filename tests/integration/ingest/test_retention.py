"""Retention: old articles go and saved ones stay; what is deleted on Reddit goes wherever it was."""

from datetime import timedelta

import msgspec
import pytest
from dramatiq.errors import Retry

from ingest.handlers.retention import apply_retention, recheck_reddit
from ingest.pipeline.run import run
from ingest.ports import Pull
from ingest.store import stories
from shared import keys
from shared.clock import utcnow
from shared.commands import ApplyRetention, RecheckReddit, SaveArticle
from tests.archive_state import inconsistencies
from tests.items import from_reddit, raw


@pytest.fixture
def filled(ports):
    """Everything that Reddit's "all" and the Guardian have."""
    for source, pull in (
        ("reddit", Pull(kind="subreddit", query="all", max_pages=20)),
        ("guardian", Pull(kind="section", query="", max_pages=5)),
    ):
        for page in ports.sources[source].pages(pull):
            run(page.items, "x", ports)


def rechecked(ports, redis):
    """The whole chain: each command sends the next."""
    after = 0
    while after is not None:
        redis.delete("queue:bulk", "queue:bulk.msgs")
        recheck_reddit(RecheckReddit(after_id=after), ports, "r")
        sent = [msgspec.json.decode(raw) for raw in redis.hvals("queue:bulk.msgs")]
        after = sent[0]["args"][0]["after_id"] if sent else None


def test_old_articles_go_and_saved_ones_stay(filled, make_ports, do, user, rows, database, redis):
    before = rows("SELECT count(*)::int FROM articles")[0][0]
    [(kept,)] = rows("SELECT id FROM articles ORDER BY published_at LIMIT 1")
    do(SaveArticle(user_id=user(), idempotency_key="k", article_id=kept))
    ports = make_ports(NEWSINTEL_RETENTION_DAYS="2")
    limit = utcnow() - timedelta(days=2)
    apply_retention(ApplyRetention(), ports, "r")
    left = rows("SELECT id FROM articles WHERE published_at < %s", limit)
    assert left == [(kept,)]
    assert 0 < rows("SELECT count(*)::int FROM articles")[0][0] < before
    assert inconsistencies(database.admin) == []
    assert rows("SELECT count(*) FROM stories s WHERE merged_into IS NULL AND article_count = 0") == [(0,)]
    apply_retention(ApplyRetention(), ports, "r")
    assert rows("SELECT count(*) FROM articles WHERE id = %s", kept) == [(1,)]


def test_a_saved_story_stays_with_all_that_it_was_merged_with(archive, make_ports, do, user, rows):
    older, younger = archive.story(), archive.story()
    told = [archive.article(story_id=story, lead=True) for story in (older, younger)]
    archive.article("Of a story that nobody saved")
    do(SaveArticle(user_id=user(), idempotency_key="k", story_id=younger))
    ports = make_ports(NEWSINTEL_RETENTION_DAYS="2")
    with ports.database.connection() as conn, conn.transaction():
        stories.merge(conn, {younger: older})
        stories.refresh(conn, [older])
    apply_retention(ApplyRetention(), ports, "r")
    assert rows("SELECT id FROM articles ORDER BY id") == [(each,) for each in told]
    assert rows("SELECT story_id FROM saved_articles") == [(younger,)]


def test_by_default_every_article_stays(filled, ports, rows):
    before = rows("SELECT count(*) FROM articles")
    apply_retention(ApplyRetention(), ports, "r")
    assert rows("SELECT count(*) FROM articles") == before
    assert rows("SELECT to_regclass(%s) IS NOT NULL", f"search_history_{utcnow():%Y_%m}") == [(True,)]


def test_what_is_deleted_on_reddit_goes_everywhere(filled, ports, do, user, rows, upstreams, redis, database):
    shown = rows("SELECT id, external_id FROM articles WHERE source = 'reddit' ORDER BY id LIMIT 3")
    shared = rows(
        """
        SELECT min(s.external_id), a.id FROM sightings s JOIN articles a ON a.id = s.article_id
        WHERE s.source = 'reddit' AND a.source <> 'reddit' GROUP BY a.id HAVING count(*) = 1 LIMIT 1
        """
    )
    assert shared
    do(SaveArticle(user_id=user(), idempotency_key="k", article_id=shown[0][0], notes="mine"))
    names = [name for _, name in shown] + [shared[0][0]]
    upstreams.faults(source="reddit", kind="withdraw", keys=names, how="deleted")
    calls = upstreams.count("reddit")
    rechecked(ports, redis)
    posts = rows("SELECT count(*)::int FROM sightings WHERE source = 'reddit'")[0][0]
    assert upstreams.count("reddit") - calls == (posts + len(names) + 99) // 100
    assert rows("SELECT id FROM sightings WHERE external_id = ANY(%s)", names) == []
    assert rows("SELECT id FROM articles WHERE id = ANY(%s)", [each for each, _ in shown]) == []
    assert rows("SELECT sources FROM articles WHERE id = %s", shared[0][1]) == [(["guardian"],)]
    assert rows("SELECT title, url, notes FROM saved_articles") == [("[deleted]", "", "mine")]
    assert inconsistencies(database.admin) == []


def test_a_copy_that_was_saved_before_a_better_source_came_loses_the_posts_words(
    make_ports, do, user, rows, upstreams, redis
):
    ports = make_ports()
    upstreams.publish("reddit", {"name": "t3_regretted", "title": "Words that their author took back"})
    page = "https://www.theguardian.com/world/harbour"
    posted = from_reddit("Words that their author took back", page, external_id="t3_regretted")
    run([posted], "x", ports)
    do(SaveArticle(user_id=user(), idempotency_key="k", article_id=1, notes="mine"))
    run(
        [raw("Parliament votes for the new harbour law", url=page, content="The law in full. " * 50)],
        "y",
        ports,
    )
    assert rows("SELECT title FROM saved_articles") == [("Words that their author took back",)]
    upstreams.faults(source="reddit", kind="withdraw", keys=["t3_regretted"], how="deleted")
    rechecked(ports, redis)
    assert rows("SELECT title, source, source_name, notes FROM saved_articles") == [
        ("Parliament votes for the new harbour law", "guardian", "The Guardian", "mine")
    ]
    assert rows("SELECT title_key FROM titles WHERE title_key LIKE '%%took%%'") == []


def test_no_cached_answer_shows_a_deleted_post(filled, ports, rows, upstreams, redis):
    [(name,)] = rows("SELECT external_id FROM articles WHERE source = 'reddit' ORDER BY id LIMIT 1")
    generation = int(redis.get(keys.GENERATION))
    for query in ("", "words", "source:reddit"):  # as the api keeps answers
        redis.set(keys.search(f"digest of {query}"), b"{}")
        redis.sadd(keys.variants(query), f"digest of {query}")
        redis.zadd(keys.STANDING, {query: utcnow().timestamp() + 300})
    with redis.pubsub(ignore_subscribe_messages=True) as told:
        told.subscribe(keys.DROPPED)
        told.get_message(timeout=30)
        upstreams.faults(source="reddit", kind="withdraw", keys=[name], how="deleted")
        rechecked(ports, redis)
        assert redis.keys("search:*") == redis.keys("standing:variants:*") == []
        assert int(redis.get(keys.GENERATION)) > generation  # what is being made just now is not kept
        dropped = told.get_message(timeout=30)["data"].decode()
    assert dropped.count("digest of") == 3


def test_a_reddit_that_cannot_be_asked_purges_nothing(filled, make_ports, rows, upstreams):
    before = rows("SELECT count(*) FROM sightings")
    recheck_reddit(
        RecheckReddit(), make_ports(NEWSINTEL_REDDIT_CLIENT_ID="", NEWSINTEL_REDDIT_CLIENT_SECRET=""), "r"
    )
    assert rows("SELECT count(*) FROM sightings") == before


def test_old_pulls_go_and_the_newest_success_of_a_source_stays(ports, archive, rows):
    old = {"ago": timedelta(days=100)}
    archive.fetch("reddit", ago=timedelta(days=200))
    newest = archive.fetch("reddit", **old)
    archive.fetch("reddit", outcome="unreachable", reason="503", **old)
    archive.fetch("guardian", outcome="unreachable", reason="503", **old)
    recent = archive.fetch("guardian", ago=timedelta(days=80))
    apply_retention(ApplyRetention(), ports, "r")
    assert sorted(rows("SELECT id FROM fetches")) == sorted([(newest,), (recent,)])


def test_a_reddit_that_is_away_is_asked_again_until_the_next_recheck_begins(
    filled, ports, rows, upstreams, redis, later
):
    before = rows("SELECT count(*) FROM sightings")
    apply_retention(ApplyRetention(), ports, "r")
    [raw] = redis.hvals("queue:bulk.msgs")
    command = msgspec.convert(msgspec.json.decode(raw)["args"][0], RecheckReddit)
    upstreams.faults(source="reddit", kind="status", status=503)
    with pytest.raises(Retry):
        recheck_reddit(command, later(hours=20), "r")
    recheck_reddit(command, later(hours=24), "r")
    assert rows("SELECT count(*) FROM sightings") == before
