"""GET /sources, and the freshness of a list without words."""

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from api.queries import sources as queries

pytestmark = pytest.mark.anyio


async def test_before_the_first_pull(api, archive):
    answer = (await api.get("/sources")).json()
    assert [each["source"] for each in answer["sources"]] == ["guardian", "newsapi", "reddit"]
    guardian = answer["sources"][0]
    assert (guardian["outcome"], guardian["last_fetch_at"], guardian["lag_seconds"]) == (
        "never_asked",
        None,
        None,
    )
    assert guardian["articles"] == 0
    assert len(guardian["topics"]) == 7
    assert (await api.get("/articles")).json()["freshness"]["state"] == "stale"


async def test_the_last_pull_and_the_last_success_are_told_apart(api, archive):
    newest = datetime.now(UTC) - timedelta(hours=2)
    archive.article("one", source="guardian")
    archive.sighting(archive.article("two", source="reddit"), "guardian", "https://x.example")
    archive.fetch("guardian", ago=timedelta(minutes=40), newest_published_at=newest, topic_id=7, stored=3)
    archive.fetch("guardian", ago=timedelta(minutes=10), outcome="rate_limited", reason="429", topic_id=7)
    archive.fetch("guardian", ago=timedelta(minutes=1), outcome="running", finished_at=None, topic_id=7)
    guardian = (await api.get("/sources")).json()["sources"][0]
    assert (guardian["outcome"], guardian["reason"], guardian["articles"]) == ("rate_limited", "429", 2)
    assert guardian["last_success_at"] < guardian["last_fetch_at"]
    assert 7199 <= guardian["lag_seconds"] < 7300
    [topic] = [each for each in guardian["topics"] if each["outcome"] != "never_asked"]
    assert (topic["outcome"], topic["reason"], topic["paused"]) == ("rate_limited", "429", False)
    assert topic["last_success_at"] == guardian["last_success_at"]


async def test_a_long_failure_does_not_hide_the_lag(api, archive):
    newest = datetime.now(UTC) - timedelta(hours=9)
    archive.fetch("reddit", ago=timedelta(hours=8), newest_published_at=newest)
    for minute in range(501):
        archive.fetch("reddit", ago=timedelta(minutes=minute), outcome="unreachable", reason="503")
    reddit = (await api.get("/sources/reddit")).json()
    assert datetime.fromisoformat(reddit["newest_published_at"]) == newest
    [told] = [
        s for s in (await api.get("/articles")).json()["freshness"]["sources"] if s["source"] == "reddit"
    ]
    assert told["outcome"] == "unreachable"
    assert {name: told[name] for name in ("last_success_at", "newest_published_at")} == {
        name: reddit[name] for name in ("last_success_at", "newest_published_at")
    }


async def test_what_a_source_holds_is_counted_once_a_minute(api, archive, monkeypatch):
    async def articles():
        return (await api.get("/sources/guardian")).json()["articles"]

    archive.article("one", source="guardian")
    assert await articles() == 1
    archive.article("two", source="guardian")
    assert await articles() == 1
    monkeypatch.setattr(queries, "HOLDINGS_SECONDS", 0)
    assert await articles() == 2


@pytest.mark.parametrize(
    ("late", "missing", "state"),
    [
        ((), (), "fresh"),
        (("newsapi",), (), "partial"),
        ((), ("reddit",), "fresh"),
        (("guardian", "newsapi", "reddit"), (), "stale"),
    ],
)
async def test_a_list_without_words_is_as_fresh_as_the_cadence(api, archive, late, missing, state):
    for source, cadence in (("guardian", 1800), ("newsapi", 10800), ("reddit", 300)):
        if source in missing:
            archive.fetch(source, outcome="not_configured", reason="there is no key")
        else:
            rounds = 3 if source in late else 1
            archive.fetch(source, ago=timedelta(seconds=rounds * cadence))
    freshness = (await api.get("/articles")).json()["freshness"]
    assert freshness["state"] == state
    assert freshness["checked_at"]
    assert len(freshness["sources"]) == 3


async def test_a_source_that_never_succeeds_costs_no_more_with_each_failure(api, archive, database):
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO fetches (id, source, outcome, started_at, finished_at) "
            "SELECT 'f' || n, 'reddit', 'unreachable', now() - n * interval '1 minute', now() "
            "FROM generate_series(1, 20000) n"
        )
        owner.execute("ANALYZE fetches")
    with psycopg.connect(database.api) as connection:
        plan = connection.execute("EXPLAIN (ANALYZE) " + queries.LAST_PULLS).fetchall()
    removed = [
        int(found[1]) for row in plan if (found := re.search(r"Rows Removed by Filter: (\d+)", row[0]))
    ]
    assert sum(removed) < 100, "\n".join(row[0] for row in plan)
