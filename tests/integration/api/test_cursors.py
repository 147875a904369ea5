"""Cursors: while articles arrive and leave, what was there from the first page on is shown exactly once."""

import base64
import random
from datetime import timedelta
from xml.etree import ElementTree as ET

import psycopg
import pytest

from api.queries import listing
from tests.factories import NOW, Archive

pytestmark = pytest.mark.anyio

ATOM = "{http://www.w3.org/2005/Atom}"
SORTS = ["newest", "oldest", "relevance", "coverage", "positive", "negative"]


async def page(api, query: str) -> dict:
    answer = await api.get(f"/articles?{query}", headers={"Prefer": "wait=0"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def all_pages(api, query: str, between=lambda: None) -> list[dict]:
    pages = [await page(api, query)]
    while pages[-1]["next"]:
        between()
        pages.append(await page(api, f"{query}&cursor={pages[-1]['next']}"))
    return pages


def ids(pages) -> list[int]:
    return [article["id"] for each in pages for article in each["articles"]]


class Crowd:
    """Articles that come and go, seeded."""

    def __init__(self, archive: Archive, connection: psycopg.Connection, seed: int) -> None:
        self.archive, self.connection, self.chance = archive, connection, random.Random(seed)
        self.stories = [archive.story() for _ in range(60)]
        for _ in range(120):
            self.arrive()
        self.first = self.present()
        self.gone: set[int] = set()

    def arrive(self) -> None:
        word = self.chance.choice(["storm", "storm", "storm", "calm"])
        self.archive.article(
            f"{word} {self.chance.choice(['', word, 'at sea', 'on land'])}",
            story_id=self.chance.choice(self.stories),
            published_at=NOW - timedelta(hours=self.chance.randrange(2_000)),
            tone=self.chance.choice(["positive", "neutral", "negative", "no_text"]),
            completeness=self.chance.randrange(100),
        )

    def leave(self) -> None:
        present = sorted(self.present() - self.gone)
        self.gone.add(doomed := self.chance.choice(present))
        self.connection.execute("DELETE FROM articles WHERE id = %s", (doomed,))

    def present(self) -> set[int]:
        return {
            row[0] for row in self.connection.execute("SELECT id FROM articles WHERE title LIKE 'storm%'")
        }

    def story_of(self, articles) -> dict[int, int]:
        found = self.connection.execute(
            "SELECT id, story_id FROM articles WHERE id = ANY(%s)", (list(articles),)
        )
        return dict(found.fetchall())

    def change(self) -> None:
        for _ in range(self.chance.randrange(4)):
            self.arrive()
        for _ in range(self.chance.randrange(3)):
            self.leave()


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_skipped_or_repeated_while_articles_arrive_and_leave(
    api, archive, database, monkeypatch, sort, seed
):
    monkeypatch.setattr(listing, "RANKED", 25)  # so that lists go on by date
    with psycopg.connect(database.worker, autocommit=True) as worker:
        crowd = Crowd(archive, worker, seed)
        first_stories = crowd.story_of(crowd.first)
        pages = await all_pages(api, f"q=storm&sort={sort}&limit=7", crowd.change)
        shown = ids(pages)
        assert len(shown) == len(set(shown)), "an article is shown twice"
        stayed = crowd.first - crowd.gone
        assert set(shown) <= crowd.first, "what came later is left out"
        told = {first_stories[article] for article in shown}
        assert {first_stories[article] for article in stayed} <= told, "a story is skipped"
        # A story comes back only when the very article that stood for it has left.
        for article in shown:
            if article not in crowd.gone:
                later = shown[shown.index(article) + 1 :]
                assert first_stories[article] not in {first_stories[each] for each in later}


@pytest.mark.parametrize("sort", ["newest", "relevance", "positive", "negative"])
async def test_a_story_is_told_by_another_article_when_the_one_that_stands_for_it_leaves(
    api, archive, database, sort
):
    story = archive.story()
    for number in range(4):
        archive.article(f"storm storm {number}", published_at=NOW - timedelta(hours=number))
    both = [
        archive.article("storm at sea", story_id=story, published_at=NOW - timedelta(hours=10 + n))
        for n in (0, 1)
    ]
    first = await page(api, f"q=storm&sort={sort}&limit=1")
    everything = await all_pages(api, f"q=storm&sort={sort}")
    [stands] = set(ids(everything)) & set(both)
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute("DELETE FROM articles WHERE id = %s", (stands,))
    rest = await page(api, f"q=storm&sort={sort}&limit=100&cursor={first['next']}")
    [other] = set(both) - {stands}
    assert other in ids([rest])


@pytest.mark.parametrize("sort", SORTS)
async def test_cursors_and_page_numbers_show_the_same_list(api, archive, database, sort):
    with psycopg.connect(database.worker, autocommit=True) as worker:
        Crowd(archive, worker, 9)
    by_cursor = await all_pages(api, f"q=storm&sort={sort}&limit=7")
    by_number = [await page(api, f"q=storm&sort={sort}&limit=7&page={n + 1}") for n in range(len(by_cursor))]
    assert ids(by_cursor) == ids(by_number)
    assert [each["page"] for each in by_cursor] == list(range(1, len(by_cursor) + 1))
    assert {(each["total"], each["total_relation"]) for each in by_cursor} == {(len(ids(by_cursor)), "eq")}
    after_the_second = await page(api, f"q=storm&sort={sort}&limit=7&cursor={by_number[1]['next']}")
    assert ids([after_the_second]) == ids(by_cursor[2:3])


async def test_the_oldest_first_where_a_few_are_decades_older(api, archive, monkeypatch):
    monkeypatch.setattr(listing, "_DENSE", listing._DENSE.replace("500", "3"))
    old = [archive.article("storm", published_at=NOW - timedelta(days=9_000 - 900 * n)) for n in range(4)]
    new = [archive.article("storm", published_at=NOW - timedelta(hours=30 - n)) for n in range(30)]
    for query, expected in (
        ("q=storm", old + new),
        ("q=sto*", old + new),
        ("language=en", old + new),
        ("q=storm&from=2015-01-01", new),
        ("q=storm&to=2015-01-01", old),
    ):
        pages = await all_pages(api, f"{query}&sort=oldest&limit=4")
        assert ids(pages) == expected, query


async def test_a_page_may_have_another_size_than_the_one_before(api, archive):
    for number in range(30):
        archive.article(f"storm {number}", published_at=NOW - timedelta(hours=number))
    first = await page(api, "q=storm&limit=3")
    rest = await page(api, f"limit=100&q=STORM&cursor={first['next']}")
    assert len(set(ids([first, rest]))) == 30


async def test_links_lead_to_the_other_pages(api, archive):
    for number in range(5):
        archive.article(f"storm {number}")
    answer = await api.get("/articles?q=storm%20&limit=2&page=2", headers={"Prefer": "wait=0"})
    assert set(answer.links) == {"first", "prev", "next"}
    following = (await api.get(answer.links["next"]["url"])).json()
    before = (await api.get(answer.links["prev"]["url"])).json()
    first = (await api.get(answer.links["first"]["url"])).json()
    assert ids([before]) == ids([first])
    assert len({*ids([first]), *ids([answer.json()]), *ids([following])}) == 5
    assert following["next"] is None


@pytest.mark.parametrize("address", ["/articles?limit=1&format=rss", "/articles?limit=1"])
async def test_links_of_a_feed_lead_to_feeds_however_it_was_asked_for(api, archive, address):
    for number in range(3):
        archive.article(f"storm {number}")
    accept = "application/rss+xml" if "format" not in address else "*/*"
    answer = await api.get(address, headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/rss+xml")
    for link in answer.links.values():
        again = await api.get(link["url"], headers={"Accept": "*/*"})
        assert again.headers["content-type"].startswith("application/rss+xml"), link


async def test_links_hold_what_was_understood_and_not_how_it_was_padded(api, archive):
    archive.article("storm")
    padded = f"page=2&sort=newest{'+' * 9_000}&outlet=%20The%20Guardian%20&q=+"
    answer = await api.get(f"/articles?{padded}&to=2999-12-31&has_image=false&format=json")
    assert answer.links["first"]["url"] == (
        "/articles?outlet=The+Guardian&to=3000-01-01T00%3A00%3A00Z&has_image=false&sort=newest"
    )


async def test_each_page_of_a_feed_names_itself_and_the_same_feed(api, archive, settings):
    for number in range(5):
        archive.article(f"storm {number}")
    first = f"{settings.origin}/articles?limit=2&format=jsonfeed"
    feed = (await api.get("/articles?limit=2&format=jsonfeed")).json()
    assert feed["feed_url"] == first
    for address in (f"{first}&page=2", feed["next_url"]):
        assert (await api.get(address)).json()["feed_url"] == address
        atom = ET.fromstring((await api.get(address.replace("jsonfeed", "atom"))).content)  # noqa: S314 - ours
        assert atom.findtext(f"{ATOM}id") == first.replace("jsonfeed", "atom")
        assert atom.find(f"{ATOM}link[@rel='self']").get("href") == address.replace("jsonfeed", "atom")


def _bent(cursor: str) -> str:
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=="))
    raw[-1] ^= 1
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda cursor: f"q=storm&cursor={cursor[:-3]}", "cursor_malformed"),
        (lambda cursor: f"q=storm&cursor={cursor[:5]}", "cursor_malformed"),
        (lambda cursor: f"q=storm&cursor={_bent(cursor)}", "cursor_malformed"),
        (lambda cursor: f"q=storm&cursor={cursor}A", "cursor_malformed"),
        (lambda _: "q=storm&cursor=AAAA", "cursor_malformed"),
        (lambda _: "q=storm&cursor=%C3%A4%20!", "cursor_malformed"),
        (lambda cursor: f"q=storms&cursor={cursor}", "cursor_of_another_search"),
        (lambda cursor: f"cursor={cursor}", "cursor_of_another_search"),
        (lambda cursor: f"q=storm&sort=newest&cursor={cursor}", "cursor_of_another_search"),
        (lambda cursor: f"q=storm&source=guardian&cursor={cursor}", "cursor_of_another_search"),
    ],
)
async def test_a_cursor_that_cannot_be_followed_is_refused(api, archive, change, code):
    archive.article("storm one")
    archive.article("storm two")
    cursor = (await page(api, "q=storm&limit=1"))["next"]
    answer = await api.get(f"/articles?{change(cursor)}")
    assert (answer.status_code, answer.json()["code"], answer.json()["parameter"]) == (400, code, "cursor")
