"""GET /stories/{id}: everybody who tells it, and where it went when it was merged."""

from datetime import timedelta

import psycopg
import pytest

from ingest.store import stories
from shared import keys
from tests.factories import NOW

pytestmark = pytest.mark.anyio


@pytest.fixture
def told(archive, database):
    """A story of three articles of two outlets; the second is the lead."""
    story = archive.story()
    first = archive.article("Harbour law passes", story_id=story, tone="positive")
    lead = archive.article(
        "Harbour law is passed", story_id=story, tone="negative", source="newsapi", source_name="The Post",
        published_at=NOW + timedelta(minutes=90), completeness=90, match_method="title",
    )  # fmt: skip
    archive.article("New harbour law", story_id=story, tone="no_text", published_at=NOW + timedelta(hours=30))
    archive.sighting(first, "reddit", "https://reddit.example/1")
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute(
            "UPDATE articles SET match_method = 'title', match_score = 93.4 WHERE id = %s", (lead,)
        )
        stories.refresh(worker, [story])
    return story


async def test_a_story_with_all_that_is_known_of_it(api, told):
    answer = await api.get(f"/stories/{told}")
    assert answer.status_code == 200
    story = answer.json()
    assert (story["title"], story["article_count"], story["outlets"]) == ("Harbour law is passed", 3, 2)
    assert [each["hours_later"] for each in story["articles"]] == [0, 1.5, 30]
    first, lead, last = story["articles"]
    assert first["matched"]["why"] == "The story began with it: it was the first of them to reach us."
    assert lead["matched"] == {
        "method": "title",
        "score": pytest.approx(93.4),
        "why": "Its title is 93 % alike to another one of the story, with the same numbers and dates.",
    }
    assert "joined" in last["matched"]["why"]
    assert [each["url"] for each in story["also_in"]] == ["https://reddit.example/1"]
    assert [(hour["articles"], hour["outlets"]) for hour in story["timeline"]] == [
        (1, ["The Guardian"]), (1, ["The Post"]), (1, ["The Guardian"]),
    ]  # fmt: skip
    guardian, post = story["tone_by_outlet"]
    assert (guardian["source_name"], guardian["articles"], guardian["measured"]) == ("The Guardian", 2, 1)
    assert (guardian["polarity"], post["polarity"]) == (0.5, -0.5)


async def test_the_story_began_with_what_reached_us_first_whenever_that_was_published(api, archive, database):
    story = archive.story()
    founder = archive.article("Harbour law passes", story_id=story)
    later = archive.article("Harbour law is passed", story_id=story, published_at=NOW - timedelta(hours=1))
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute("UPDATE articles SET match_method = 'title', match_score = 93 WHERE id = %s", (later,))
        stories.refresh(worker, [story])
    told = (await api.get(f"/stories/{story}")).json()["articles"]
    assert [each["article"]["id"] for each in told] == [later, founder]
    assert [each["matched"]["why"] for each in told] == [
        "Its title is 93 % alike to another one of the story, with the same numbers and dates.",
        "The story began with it: it was the first of them to reach us.",
    ]


async def test_what_is_left_of_a_story_that_was_joined_did_not_begin_it(api, archive, database):
    """The article that this story began with has been deleted."""
    story = archive.story()
    matched = archive.article("Harbour law is passed", story_id=story)
    joined = archive.article("New harbour law", story_id=story, published_at=NOW - timedelta(hours=1))
    moved = archive.article("A law", story_id=story, published_at=NOW + timedelta(hours=1))
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute(
            "UPDATE articles SET match_method = 'title', match_score = 93 WHERE id = %s", (matched,)
        )
        worker.execute("UPDATE articles SET match_method = 'title' WHERE id = %s", (moved,))
        stories.refresh(worker, [story])
    why = {
        each["article"]["id"]: each["matched"]["why"]
        for each in (await api.get(f"/stories/{story}")).json()["articles"]
    }
    assert why[joined] == (
        "It began a story of its own; a title or an address that came later joined that story to this one."
    )
    assert why[moved] == "One item led to it and to another one of the story: its address was changed."


async def test_a_merged_story_redirects_for_good(api, archive, database, told):
    younger = archive.story()
    archive.article("Harbour law", story_id=younger)
    with psycopg.connect(database.worker, autocommit=True) as worker:
        stories.merge(worker, {younger: told})
    answer = await api.get(f"/stories/{younger}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, f"/stories/{told}")


@pytest.mark.parametrize(("given", "status"), [("0", 400), ("x", 400), ("9" * 30, 400), ("999999", 404)])
async def test_ids_that_name_no_story(api, archive, given, status):
    assert (await api.get(f"/stories/{given}")).status_code == status


async def test_a_story_without_articles_is_not_found(api, archive):
    assert (await api.get(f"/stories/{archive.story()}")).status_code == 404


async def test_it_is_kept_under_its_own_id_only(api, redis, told):
    await api.get(f"/stories/{told}")
    again = await api.get(f"/stories/{told}")
    assert again.headers["cache-status"].startswith("newsintel; hit; detail=memory")
    assert redis.exists(keys.shown(told))
    assert not redis.exists(keys.STANDING)
