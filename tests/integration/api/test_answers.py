"""What a search answers: filters, sorts, fields, explanations."""

from datetime import timedelta

import pytest

from api.queries import explaining
from tests.factories import NOW

pytestmark = pytest.mark.anyio


async def found(api, **parameters) -> dict:
    answer = await api.get("/articles", params=parameters, headers={"Prefer": "wait=0"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def titles(api, **parameters) -> list[str]:
    return [each["title"] for each in (await found(api, **parameters))["articles"]]


async def test_filters_of_names_tone_and_picture(api, archive):
    archive.article("bbc", source_name="BBC News", author="Jane Doe", tone="positive")
    archive.article("sport", source_name="BBC Sport", image_url="https://i.example/1.jpg", tone="negative")
    archive.article("reuters", source_name="Reuters", author="John Doe, Jane Roe", tone=None)
    assert set(await titles(api, outlet="bbc")) == {"bbc", "sport"}
    assert await titles(api, outlet="BBC News") == ["bbc"]
    assert set(await titles(api, outlet="bbc news,reuters")) == {"bbc", "reuters"}
    assert set(await titles(api, outlet="bbc,-sport")) == {"bbc"}
    assert set(await titles(api, outlet="-bbc")) == {"reuters"}
    assert set(await titles(api, exclude_outlet="sport,reuters")) == {"bbc"}
    assert await titles(api, author="jane doe") == ["bbc"]
    assert set(await titles(api, author="doe")) == {"bbc", "reuters"}
    assert await titles(api, min_polarity="0.5") == ["bbc"]
    assert await titles(api, max_polarity="-0.1") == ["sport"]
    assert set(await titles(api, min_polarity="-0.5", max_polarity="0.5")) == {"bbc", "sport"}
    assert await titles(api, has_image="true") == ["sport"]
    assert set(await titles(api, has_image="false", q="bbc OR reuters")) == {"bbc", "reuters"}
    assert await titles(api, q='outlet:"bbc news" sentiment:>0.3') == ["bbc"]


async def test_sorts(api, archive):
    told, quiet = archive.story(), archive.story()
    archive.article("quiet", story_id=quiet, tone="negative", published_at=NOW)
    for number in range(3):
        archive.article("told", story_id=told, tone="positive", published_at=NOW - timedelta(days=number + 1))
    archive.article("plain", tone=None, published_at=NOW - timedelta(days=9))
    assert await titles(api, sort="coverage") == ["told", "quiet", "plain"]
    assert await titles(api, sort="positive") == ["told", "quiet", "plain"]
    assert await titles(api, sort="negative") == ["quiet", "told", "plain"]
    assert await titles(api, sort="oldest") == ["plain", "told", "quiet"]


async def test_only_the_fields_that_are_asked_for(api, archive):
    archive.article("Storm")
    [article] = (await found(api, q="storm", fields="title,id,sentiment"))["articles"]
    assert set(article) == {"id", "title", "sentiment"}
    [article] = (await found(api, q="storm", fields="url", highlight="true"))["articles"]
    assert set(article) == {"url", "highlights"}


async def test_an_explanation_says_what_was_understood_and_what_each_part_does(api, archive):
    for number in range(3):
        archive.article(
            f"Storm {number}", tone="positive", image_url="https://i.example/1.jpg" if number else None
        )
    archive.article("Storm at night", tone="negative", source="reddit", source_name="r/news")
    archive.article("Calm", tone="positive")
    answer = await found(
        api, q="the storms sentiment:positive", source="guardian", has_image="true", explain="true"
    )
    explained = answer["explain"]
    assert answer["total"] == 2
    assert explained["understood"] == "the storms sentiment:positive source:guardian"
    terms = {each["term"]: each for each in explained["terms"]}
    assert terms["storms"]["words"] == {"english": ["storm"], "simple": ["storms"]}
    assert (terms["storms"]["position"], terms["storms"]["articles"]) == (4, 4)
    assert (terms["the"]["ignored"], terms["the"]["articles"]) == (True, 0)
    assert terms["sentiment:positive"]["articles"] == 4
    assert explained["filters"] == [
        {"filter": "sentiment:positive", "removed": 1, "failing": 1},
        {"filter": "source:guardian", "removed": 0, "failing": 1},
        {"filter": "has_image", "removed": 1, "failing": 2},
    ]
    assert (explained["examined"], explained["examined_relation"], explained["found_by"]) == (
        4,
        "eq",
        ["storms"],
    )
    assert (explained["remaining"], explained["remaining_stories"]) == (2, 2)
    assert "explain" not in await found(api, q="storms")


async def test_what_filters_remove_adds_up_where_every_article_fails_several(api, archive):
    for _ in range(3):
        archive.article("Climate", source_name="CNN", language="en")
    answer = await found(api, q="climate", language="de", outlet="bbc", explain="true")
    explained = answer["explain"]
    assert (answer["total"], explained["examined"], explained["remaining"]) == (0, 3, 0)
    assert explained["filters"] == [
        {"filter": "lang:de", "removed": 3, "failing": 3},
        {"filter": 'outlet:"bbc"', "removed": 0, "failing": 3},
    ]


@pytest.mark.parametrize(
    ("asked", "examined", "found_by", "removed"),
    [
        ({"author": "Smith"}, 3, ['author:"smith"'], {'author:"smith"': 0}),
        ({"q": "lang:hi"}, 4, ["lang:hi"], {"lang:hi": 0}),
        ({"language": "hi", "author": "Smith"}, 3, ['author:"smith"'], {"lang:hi": 2, 'author:"smith"': 0}),
        # Everybody writes about storms: what else the index knows is looked up with them.
        ({"q": "storm", "author": "Smith"}, 3, ["storm", 'author:"smith"'], {'author:"smith"': 0}),
        ({"q": "storm", "from": "2026-03-02"}, 2, ["storm", "from", "to"], {"from": 0, "to": 0}),
        ({"from": "2026-03-02"}, 2, ["from", "to"], {"from": 0, "to": 0}),
        # Nothing is both: of the newest with the word, how many fail.
        ({"q": "storm", "author": "nobody"}, 5, ["storm"], {'author:"nobody"': 5}),
        ({"q": "-storm", "author": "Smith"}, 3, ['author:"smith"'], {"-storm": 3, 'author:"smith"': 0}),
        ({"q": "-storm"}, 5, [], {"-storm": 5}),
        ({}, 5, [], {}),
    ],
)
async def test_a_search_with_few_results_explains_those(
    api, archive, monkeypatch, asked, examined, found_by, removed
):
    monkeypatch.setattr(explaining, "MOST", 5)
    for number in range(20):
        archive.article(
            "Storm",
            author="Jane Smith" if number < 3 else "Doe",
            language="hi" if number in (2, 5, 6, 7) else "en",
            published_at=NOW + timedelta(days=1 if number > 17 else 0, minutes=number),
        )
    if "from" in asked:
        asked = {**asked, "to": "2026-03-09"}
    answer = await found(api, **asked, explain="true")
    explained = answer["explain"]
    assert (explained["examined"], explained["found_by"]) == (examined, found_by)
    assert {each["filter"]: each["removed"] for each in explained["filters"]} == removed
    assert explained["remaining"] == examined - sum(removed.values())
    is_all = examined < 5
    assert explained["examined_relation"] == ("eq" if is_all else "gte")
    if is_all:
        assert explained["remaining_stories"] == answer["total"]


async def test_an_explanation_says_which_words_of_a_phrase_are_not_compared(api, archive):
    archive.article("Vitamin D in milk")
    [term] = (await found(api, q='"vitamin a"', explain="true"))["explain"]["terms"]
    assert (term["articles"], term["note"][-3:]) == (1, ": a")


async def test_an_explanation_searches_in_the_language_that_is_asked_for(api, archive):
    archive.article("Die Häuser", language="de", image_url="https://i.example/1.jpg")
    archive.article("WHO warnt", language="de")
    answer = await found(api, q="häusern", language="de", has_image="true", explain="true")
    assert (answer["total"], answer["explain"]["examined"], answer["explain"]["remaining"]) == (1, 1, 1)
    answer = await found(api, q="WHO", language="de", explain="true")
    assert (answer["total"], answer["explain"]["remaining"]) == (1, 1)
    answer = await found(api, q="hau* -brand", language="de", explain="true")
    assert (answer["total"], answer["explain"]["remaining"]) == (1, 1)


@pytest.mark.parametrize(
    "address", ["/articles", "/articles/sentiment/trends", "/articles/sentiment/summary"]
)
async def test_common_words_beside_a_filter_are_refused_however_it_is_written(api, archive, address):
    archive.article("The storm", language="de")
    for asked in ("q=the+source:guardian", "q=the&source=guardian", "q=war+lang:de", "q=war&language=de"):
        assert (await api.get(f"{address}?{asked}")).json()["code"] == "query_only_common_words", asked
    for asked in ("q=source:guardian", "q=lang:de", "q=source:guardian&language=de"):
        assert (await api.get(f"{address}?{asked}", headers={"Prefer": "wait=0"})).status_code == 200, asked


@pytest.mark.parametrize("address", ["/articles", "/articles/sentiment/trends"])
async def test_the_order_of_languages_makes_no_other_answer(api, archive, address):
    archive.article("War", language="en")
    for query in ("(lang:en OR lang:de) war lang:en", "lang:en war (lang:de OR lang:en)"):
        assert (await api.get(address, params={"q": query})).status_code == 200
    answer = await api.get(address, params={"q": "(lang:en OR lang:de) war", "language": "en"})
    assert answer.status_code == 200


async def test_a_request_that_means_the_same_is_the_same_answer(api, archive):
    archive.article("Storm at sea", tone="positive")
    await api.get("/articles?q=storm%20sea&source=guardian", headers={"Prefer": "wait=0"})
    for query in ("source=guardian&q=%20SEA%20%20Storm", "q=sea+AND+storm+source:guardian"):
        again = await api.get(f"/articles?{query}", headers={"Prefer": "wait=0"})
        assert again.json()["total"] == 1
    same = await api.get("/articles?q=sea+storm&source=guardian&limit=20", headers={"Prefer": "wait=0"})
    assert "hit" in same.headers["cache-status"]
