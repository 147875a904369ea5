"""What a search finds and how it is listed; freshness and caching have tests of their own."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from api.queries import listing
from tests.factories import NOW

pytestmark = pytest.mark.anyio


async def found(api, query: str) -> dict:
    answer = await api.get(f"/articles?{query}", headers={"Prefer": "wait=0"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def titles(api, query: str) -> list[str]:
    return [each["title"] for each in (await found(api, query))["articles"]]


async def test_a_list_has_every_field_of_the_contract(api, archive):
    archive.article(
        "Ukraine peace talks", author="A. Author", image_url="https://i.example/1.jpg", tone="positive"
    )
    answer = await found(api, "q=ukraine")
    [article] = answer["articles"]
    assert list(answer) == [
        "articles", "total", "total_relation", "page", "limit", "has_more", "next", "freshness",
    ]  # fmt: skip
    assert (answer["total"], answer["total_relation"], answer["has_more"], answer["next"]) == (
        1,
        "eq",
        False,
        None,
    )
    assert list(article) == [
        "id", "title", "description", "content", "url", "source", "source_name", "author", "image_url", "language",
        "published_at", "fetched_at", "story_id", "also_in", "sentiment",
    ]  # fmt: skip
    assert article["published_at"] == "2026-03-01T12:00:00Z"
    assert article["sentiment"] == {
        "polarity": 0.5, "subjectivity": 0.25, "label": "positive", "confidence": 0.75,
    }  # fmt: skip


async def test_a_reason_stands_where_there_is_no_sentiment(api, archive):
    archive.article("one", language="xx", tone="language_unsupported")
    archive.article("two", tone=None, published_at=NOW - timedelta(hours=1))
    reasons = [each["sentiment"] for each in (await found(api, ""))["articles"]]
    assert [each["reason"] for each in reasons] == ["language_unsupported", "not_analyzed"]
    assert reasons[0]["label"] is None


async def test_words_are_stemmed_where_the_language_is_known_and_taken_as_typed_elsewhere(api, archive):
    archive.article("Elections were running late", language="en")
    archive.article("Elections in Klingon running", language="xx")
    archive.article("Elections who knows where", language=None)
    assert await titles(api, "q=election") == ["Elections were running late"]
    assert len(await titles(api, "q=elections")) == 3


async def test_a_language_is_searched_with_its_own_stems(api, archive):
    archive.article("Die Häuser brennen", language="de")
    archive.article("Brennendes Haus", language="en")
    for query in ("q=häuser", "q=häusern", "q=HÄUSERN+brennen"):
        assert await titles(api, f"{query}&language=DE") == ["Die Häuser brennen"]
        assert await titles(api, f"{query}+lang:de") == ["Die Häuser brennen"]
        assert await titles(api, f"{query}&language=en") == []
    # Without a language words are English or as they are typed; the index has "haus", as German stems it.
    assert await titles(api, "q=häuser") == []
    assert await titles(api, "q=haus") == ["Brennendes Haus", "Die Häuser brennen"]


async def test_not_is_exact_in_stemmed_articles(api, archive):
    archive.article("Russia war: a run on the banks")
    archive.article("Russia war continues")
    archive.article("Russia running late", language=None)
    assert await titles(api, "q=russia+-running") == ["Russia war continues"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=%22peace+talks%22", {"peace talks"}),
        ("q=peace+OR+storm", {"peace talks", "talks of peace", "storm"}),
        ("q=PEACE++Talks", {"peace talks", "talks of peace"}),
        ("q=", {"peace talks", "talks of peace", "storm"}),
        ("q=peace+-(storm+OR+of)", {"peace talks", "talks of peace"}),
        ("q=title:tal*+-%22peace+talks%22", {"talks of peace"}),
    ],
)
async def test_query_forms(api, archive, query, expected):
    for title in ("peace talks", "talks of peace", "storm"):
        archive.article(title)
    assert set(await titles(api, query)) == expected


async def test_filters(api, archive):
    archive.article("old", source="guardian", published_at=NOW - timedelta(days=10))
    archive.article("happy", source="newsapi", tone="positive")
    both = archive.article("both", source="reddit", language="de", tone="negative")
    archive.sighting(both, "newsapi", "https://elsewhere.example/both")
    assert set(await titles(api, "source=newsapi")) == {"happy", "both"}
    assert set(await titles(api, "source=guardian,reddit")) == {"old", "both"}
    assert await titles(api, "sentiment=negative") == ["both"]
    assert await titles(api, "language=de") == ["both"]
    assert await titles(api, "to=2026-02-20") == ["old"]
    assert set(await titles(api, "from=2026-02-20")) == {"happy", "both"}
    assert await titles(api, "source=newsapi&sentiment=positive&from=2026-03-01&to=2026-03-01") == ["happy"]


async def test_a_name_in_a_filter_is_only_a_name(api, archive):
    archive.article("storm", author="Jane Doe", source_name="BBC News")
    for name in ("“Jane”", '"jane doe"', "<Doe>"):
        assert await titles(api, urlencode({"author": name})) == ["storm"], name
    for name in ("<b>", "&amp;", "https://"):  # of which PostgreSQL indexes nothing
        assert await titles(api, urlencode({"author": name})) == [], name
    assert (await found(api, urlencode({"outlet": "zzz“ OR title:“storm"})))["total"] == 0
    assert (await found(api, urlencode({"exclude_outlet": "bbc„ title:„storm"})))["total"] == 1


async def test_a_day_in_to_is_inside_and_a_moment_is_the_end(api, archive):
    archive.article("noon")
    assert await titles(api, "to=2026-03-01") == ["noon"]
    assert await titles(api, "to=2026-03-01T12:00:00Z") == []
    assert await titles(api, "from=2026-03-01T12:00:00Z") == ["noon"]
    assert await titles(api, "from=2026-03-01T14:00:00%2B02:00") == ["noon"]
    assert await titles(api, "from=2026-03-01T14:00:00+02:00") == ["noon"]


async def test_order(api, archive):
    archive.article("storm", published_at=NOW - timedelta(days=4000), completeness=90)
    archive.article("other", description="a storm", published_at=NOW)
    archive.article("storm warning", published_at=NOW - timedelta(hours=1))
    assert await titles(api, "q=storm&sort=newest") == ["other", "storm warning", "storm"]
    assert await titles(api, "q=storm&sort=oldest") == ["storm", "storm warning", "other"]
    assert (await titles(api, "q=storm"))[0] == "storm warning"
    assert await titles(api, "q=storm") == await titles(api, "q=storm&sort=relevance")
    assert await titles(api, "") == await titles(api, "sort=newest")


async def test_a_story_appears_once_as_its_first_match_in_the_order(api, archive):
    story = archive.story()
    archive.article("Storm hits", story_id=story, source="reddit", url="https://a.example/1")
    archive.article("Storm lands", story_id=story, lead=True, url="https://b.example/1")
    archive.article(
        "Wind lands", story_id=story, source="newsapi", source_name="BBC", url="https://c.example/1"
    )
    answer = await found(api, "q=storm")
    [article] = answer["articles"]
    assert answer["total"] == 1
    assert article["title"] == "Storm lands"
    assert [each["url"] for each in article["also_in"]] == ["https://a.example/1", "https://c.example/1"]
    assert article["also_in"][1] == {
        "source": "newsapi", "source_name": "BBC", "url": "https://c.example/1", "published_at": "2026-03-01T12:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize("sort", ["newest", "relevance"])
async def test_a_lead_that_is_not_the_first_match_does_not_stand_for_its_story(api, archive, sort):
    story = archive.story()
    archive.article("Storm hits", story_id=story, lead=True, published_at=NOW - timedelta(days=1))
    archive.article("Storm lands", story_id=story, url="https://b.example/1")
    assert await titles(api, f"q=storm&sort={sort}") == ["Storm lands"]
    assert await titles(api, "q=storm&sort=oldest") == ["Storm hits"]


async def test_of_two_equal_matches_the_more_complete_one_is_more_relevant(api, archive):
    archive.article("storm", source_name="complete", completeness=100)
    archive.article("storm", source_name="bare", completeness=0)
    found_ = (await found(api, "q=storm&sort=relevance"))["articles"]
    assert [each["source_name"] for each in found_] == ["complete", "bare"]


async def test_another_article_stands_for_a_story_whose_lead_does_not_match(api, archive):
    story = archive.story()
    archive.article("Storm hits", story_id=story, url="https://a.example/1")
    archive.article("Wind lands", story_id=story, lead=True, url="https://b.example/1")
    [article] = (await found(api, "q=storm"))["articles"]
    assert article["title"] == "Storm hits"
    assert [each["url"] for each in article["also_in"]] == ["https://b.example/1"]


async def test_other_sightings_of_the_same_page_are_in_also_in(api, archive):
    number = archive.article("Storm hits", url="https://a.example/1")
    archive.sighting(number, "reddit", "https://www.reddit.com/r/news/1")
    archive.sighting(number, "newsapi", "https://a.example/1", "The Guardian")
    [article] = (await found(api, "q=storm"))["articles"]
    assert {(each["source"], each["url"]) for each in article["also_in"]} == {
        ("reddit", "https://www.reddit.com/r/news/1"),
        ("newsapi", "https://a.example/1"),
    }


@pytest.mark.parametrize("sort", ["newest", "oldest", "relevance"])
async def test_pages_neither_repeat_nor_skip(api, archive, sort):
    for number in range(25):
        archive.article(f"storm {number}", published_at=NOW - timedelta(minutes=number % 7))
    pages = [await found(api, f"q=storm&sort={sort}&limit=10&page={page}") for page in (1, 2, 3, 4)]
    ids = [each["id"] for page in pages for each in page["articles"]]
    assert len(ids) == len(set(ids)) == 25
    assert [page["has_more"] for page in pages] == [True, True, False, False]
    assert {page["total"] for page in pages} == {25}


async def test_beyond_the_ranked_candidates_pages_go_on_by_date(api, archive, monkeypatch):
    monkeypatch.setattr(listing, "RANKED", 5)
    for number in range(12):
        archive.article(f"storm {number}", published_at=NOW - timedelta(hours=number))
    pages = [await found(api, f"q=storm&limit=4&page={page}") for page in (1, 2, 3)]
    listed = [each["title"] for page in pages for each in page["articles"]]
    assert sorted(listed) == sorted(f"storm {n}" for n in range(12))
    assert {page["total"] for page in pages} == {12}
    assert [page["total_relation"] for page in pages] == ["eq"] * 3
    assert [page["has_more"] for page in pages] == [True, True, False]


async def test_a_story_of_very_many_articles_does_not_hide_the_others(api, archive, monkeypatch):
    monkeypatch.setattr("api.queries.search.COUNTED", 5)
    story = archive.story()
    for number in range(8):
        archive.article(f"storm {number}", story_id=story)
    archive.article("storm elsewhere", published_at=NOW - timedelta(days=1))
    answer = await found(api, "q=storm&sort=newest")
    assert [each["story_id"] for each in answer["articles"]] == [story, story + 1]
    assert (answer["total"], answer["has_more"]) == (2, False)


async def test_counting_stops_at_its_limit_and_says_so(api, archive, monkeypatch):
    monkeypatch.setattr("api.queries.search.COUNTED", 6)
    for number in range(9):
        archive.article(f"storm {number}")
    answer = await found(api, "q=storm&limit=2")
    assert (answer["total"], answer["total_relation"], answer["has_more"]) == (7, "gte", True)


async def test_one_article_and_its_sentiment(api, archive):
    story = archive.story()
    number = archive.article("Storm", story_id=story, tone="negative")
    archive.article("Storm too", story_id=story, url="https://b.example/2")
    bare = archive.article("Bare", tone=None)
    answer = await api.get(f"/articles/{number}")
    assert answer.status_code == 200
    assert answer.json()["title"] == "Storm"
    assert [each["url"] for each in answer.json()["also_in"]] == ["https://b.example/2"]
    tone = (await api.get(f"/articles/{number}/sentiment")).json()
    assert (tone["article_id"], tone["label"], tone["polarity"], tone["method"]) == (
        number,
        "negative",
        -0.5,
        "textblob",
    )
    assert "reason" not in tone
    assert (await api.get(f"/articles/{bare}/sentiment")).json()["reason"] == "not_analyzed"


@pytest.mark.parametrize("path", ["/articles/999999", "/articles/999999/sentiment", f"/articles/{2**63 - 1}"])
async def test_an_article_that_is_not_there(api, archive, path):
    answer = await api.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
