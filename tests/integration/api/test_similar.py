"""GET /articles/{id}/similar: what shares the telling words of an article."""

from datetime import timedelta

import psycopg
import pytest

from api.queries import similar as queries
from tests.factories import NOW

pytestmark = pytest.mark.anyio

PLAIN = "The government says that people talk about the weather and about the week"


@pytest.fixture
def news(archive, database):
    """Plain articles, and a few about whales."""
    for number in range(200):
        archive.article(
            f"Government week number {number}", content=PLAIN, published_at=NOW - timedelta(hours=number)
        )
    whales = archive.article(
        "Humpback whales return to the Azores", content="Biologists count humpback whales off the Azores"
    )
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("ANALYZE articles")
    return whales


@pytest.fixture(autouse=True)
def fresh_statistics(monkeypatch):
    monkeypatch.setattr(queries, "_statistics", queries._Statistics())


async def test_what_shares_the_telling_words_comes_with_the_reason(api, archive, news):
    best = archive.article("Biologists see humpback whales near the Azores", content=PLAIN)
    some = archive.article("Azores: whales, biologists and tourists", content=PLAIN)
    archive.article("Whales of another kind", content=PLAIN)
    found = (await api.get(f"/articles/{news}/similar")).json()
    assert found["article_id"] == news
    assert {each["term"] for each in found["terms"]} >= {"humpback", "whale", "azor", "biologist"}
    assert sum(each["weight"] for each in found["terms"]) == pytest.approx(1, abs=0.01)
    assert [each["article"]["id"] for each in found["articles"]] == [best, some]
    first, second = found["articles"]
    assert first["similarity"] > second["similarity"] > 0
    assert set(second["shared_terms"]) == {"azor", "whale", "biologist"}
    assert not {"govern", "week"} & {each["term"] for each in found["terms"]}


async def test_no_article_is_more_than_alike(api, archive, news):
    # Six shares of 0.1667 are 1.0002.
    one, other = (archive.article("Penguin kettle lantern saxophone trumpet volcano") for _ in range(2))
    [alike] = (await api.get(f"/articles/{one}/similar")).json()["articles"]
    assert (alike["article"]["id"], alike["similarity"], len(alike["shared_terms"])) == (other, 1.0, 6)


async def test_its_own_story_is_left_out_and_others_come_once(api, archive, news, database):
    with psycopg.connect(database.worker, autocommit=True) as worker:
        [own] = worker.execute("SELECT story_id FROM articles WHERE id = %s", (news,)).fetchone()
    archive.article("Humpback whales return to Azores", story_id=own)
    other = archive.story()
    for name in ("one", "two"):
        archive.article(f"Humpback whales of the Azores {name}", story_id=other)
    found = (await api.get(f"/articles/{news}/similar")).json()["articles"]
    assert [each["article"]["story_id"] for each in found] == [other]


async def test_articles_of_another_time_are_not_looked_at(api, archive, news):
    archive.article("Humpback whales return to the Azores again", published_at=NOW - timedelta(days=400))
    assert (await api.get(f"/articles/{news}/similar")).json()["articles"] == []


async def test_words_that_a_tsquery_would_stumble_over(api, archive, news):
    odd = archive.article(r"O'Neill's C:\temp and don't|won't & (x:y) 'quoted' <-> !whale")
    assert (await api.get(f"/articles/{odd}/similar")).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [("999999/similar", 404), ("x/similar", 400), ("1/similar?limit=51", 400), ("1/similar?q=x", 400)],
)
async def test_refusals(api, archive, path, status):
    assert (await api.get(f"/articles/{path}")).status_code == status


async def test_the_search_index_bounds_what_is_read(database, archive, news):
    with psycopg.connect(database.api) as reader:
        reader.execute("SET enable_seqscan = off")
        terms = [queries.Term(term=each, weight=0.25) for each in ("humpback", "whale", "azor", "biologist")]
        plan = _plan(reader, terms)
    assert "articles_blocks_idx" in plan
    assert "Seq Scan on articles" not in plan


def _plan(reader, terms):
    values = {
        "blocks": queries._blocks(NOW),
        "some": "'humpback' & 'whale'",
        "story": 1,
        "candidates": queries.CANDIDATES,
        "read": queries.READ,
        "at": NOW,
        "queries": [f"'{each.term}'" for each in terms],
        "terms": [each.term for each in terms],
        "weights": [each.weight for each in terms],
        "limit": 10,
    }
    rows = reader.execute("EXPLAIN (ANALYZE, BUFFERS) " + queries._ALIKE.as_string(reader), values).fetchall()
    return "\n".join(row[0] for row in rows)


def test_telling_terms_are_rare_in_the_archive_and_stand_in_the_title():
    found = queries.telling(
        [
            ("whale", 2, True),
            ("week", 9, True),
            ("azor", 1, False),
            ("of", 3, True),
            ("2026", 3, True),
            ("x" * 3, None, False),
        ],
        {"week": 0.3, "azor": 0.01},
    )
    assert [each.term for each in found] == ["whale", "xxx", "azor"]


async def test_of_too_many_candidates_the_nearest_in_time_are_compared(api, archive, news, monkeypatch):
    monkeypatch.setattr(queries, "CANDIDATES", 2)
    title = "Humpback whales return to the Azores, part"
    for day in (30, 20, 10):
        archive.article(f"{title} {day}", published_at=NOW - timedelta(days=day))
    near = [archive.article(f"{title} {hour}", published_at=NOW + timedelta(hours=hour)) for hour in (1, -1)]
    archive.article(f"{title} after", published_at=NOW + timedelta(days=9))
    found = (await api.get(f"/articles/{news}/similar")).json()["articles"]
    assert {each["article"]["id"] for each in found} == set(near)
