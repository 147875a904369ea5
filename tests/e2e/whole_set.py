"""Pulling everything that the sources have, and what the archive must look like afterwards."""

import math
import time
from typing import Any

import psycopg

from deploy.local.up import WHOLE_SET
from deploy.local.upstreams.corpus import made_up
from ingest.store import topics
from shared.commands import FetchTopic

# A plan and a pace under which a whole set can be paged through.
SETTINGS = {
    "NEWSINTEL_NEWSAPI_PLAN": "business",
    "NEWSINTEL_NEWSAPI_CALLS_PER_DAY": "100000",
    "NEWSINTEL_NEWSAPI_CALLS_PER_12H": "100000",
    "NEWSINTEL_GUARDIAN_CALLS_PER_SECOND": "1000",
    "NEWSINTEL_GUARDIAN_CALLS_PER_DAY": "100000",
    "NEWSINTEL_REDDIT_CALLS_PER_10MIN": "100000",
}
SIMULATOR = {
    "newsapi_plan": "business",
    "guardian_per_second": None,
    "guardian_per_day": None,
    "reddit_limit": None,
    "reddit_token_limit": None,
}
# The simulator's own.
SEED = 20_200
# Longer than a test takes.
QUIET_SECONDS = 600
COUNTS = (
    "fetched, stored, merged, quarantined, "
    "(SELECT coalesce(sum(n::int), 0) FROM jsonb_each_text(discarded) AS d(reason, n))"
)


def quiet_offset() -> float:
    """Seconds for the simulator's clock: most of the next day's news is out already, and none comes out in the test."""
    now, offset = time.time(), 86_000.0
    made = made_up.feeds(SEED, now)
    feeds = (made.newsapi, made.guardian, made.reddit)
    due = (entry.at - now for feed in feeds for entry in feed.published(math.inf))
    for seconds in sorted(due, reverse=True):
        if offset - 60 < seconds < offset + QUIET_SECONDS:
            offset = seconds - QUIET_SECONDS
    return offset


def pull(system: Any) -> None:
    """Send one FetchTopic for each source."""
    with psycopg.connect(system.database.worker, autocommit=True) as connection:
        for source, kind, query, pages in WHOLE_SET:
            topics.add(
                connection, source=source, kind=kind, query=query, cadence_seconds=3600, max_pages=pages
            )
        wanted = {topic[:3] for topic in WHOLE_SET}
        ids = [t.id for t in topics.active(connection) if (t.source, t.kind, t.query) in wanted]
    for topic_id in ids:
        system.send(FetchTopic(topic_id=topic_id))


def forget_topics(database: Any) -> None:
    """Leave only the topics that come with the product, for the tests that follow."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        for source, kind, query, _ in WHOLE_SET:
            connection.execute(
                "DELETE FROM topics WHERE (source, kind, query) = (%s, %s, %s)", (source, kind, query)
            )


def check_books(system: Any) -> None:
    """For each pull: fetched = stored + merged + quarantined + discarded; and the tables agree with the sums."""
    rows = system.query(f"SELECT id, outcome, {COUNTS} FROM fetches")
    assert rows
    for fetch_id, outcome, fetched, stored, merged, quarantined, discarded in rows:
        assert outcome == "ok", fetch_id
        assert fetched == stored + merged + quarantined + discarded, fetch_id
    [(stored,)] = system.query("SELECT sum(stored) FROM fetches")
    assert system.query("SELECT count(*) FROM articles") == [(stored,)]


def archive(system: Any) -> dict[str, Any]:
    """All that must not depend on order, workers or kills: pages with their fields, and stories as sets of pages."""
    articles = system.query(
        "SELECT page, url, title, description, content, author, source_name, image_url, language, published_at, "
        "source, external_id, sources, completeness FROM articles ORDER BY page"
    )
    stories = system.query(
        "SELECT array_agg(a.page ORDER BY a.page), max(l.page), max(s.article_count), s.sources "
        "FROM stories s JOIN articles a ON a.story_id = s.id JOIN articles l ON l.id = s.lead_id "
        "WHERE s.merged_into IS NULL GROUP BY s.id, s.sources ORDER BY 1"
    )
    sentiments = system.query(
        "SELECT page, t.polarity, t.label, reason FROM article_sentiments t JOIN articles ON id = article_id "
        "ORDER BY page"
    )
    sightings = system.query(
        "SELECT s.source, s.external_id, page FROM sightings s JOIN articles a ON a.id = s.article_id "
        "ORDER BY 1, 2"
    )
    quarantine = system.query("SELECT source, reason, digest FROM quarantine ORDER BY 1, 3")
    return {
        "articles": articles,
        "stories": stories,
        "sentiments": sentiments,
        "sightings": sightings,
        "quarantine": quarantine,
    }
