"""Where the words of a query stand: in each text what is found in that text, and nothing else of the text changed."""

import html
import re

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.queries.highlights import CONTENT, Highlights, highlights
from api.queries.matching import Wanted, matching
from shared.query.parser import parse

pytestmark = pytest.mark.anyio

# Words that no stemmer changes, and marks that PostgreSQL's parser reads in its own way.
WORDS = ["getty", "reuters", "covid", "19", "7", "i", "o", "io"]
MARKS = [
    "/",
    "-",
    "+",
    "~",
    "<",
    ">",
    "&",
    " ",
    ". ",
    "://",
    "@",
    "'",
    "_",
    "&amp;",
    "</b>",
    "<!--",
    "é",
    ".",
]
# No character is private in an article.
ANY = st.text(st.characters(exclude_categories=("Cs", "Co"), exclude_characters="\0"), max_size=5)


@pytest.fixture
async def connection(database):
    async with await psycopg.AsyncConnection.connect(database.api, autocommit=True) as reader:
        yield reader


async def marks(connection, article: int, text: str) -> Highlights | None:
    query = parse(text)
    known = await matching(connection, Wanted(query=query, whole=query))
    return (await highlights(connection, [article], known.finds)).get(article)


async def marked(connection, article: int, text: str) -> tuple[str | None, str | None, list[str]]:
    found = await marks(connection, article, text)
    assert found is not None
    return found.title, found.description, found.content


async def test_html_with_no_tag_but_mark(api, archive):
    archive.article(
        "Storms & <b>hail</b>",
        description="No such word",
        content=f"{'Calm. ' * 60} A storm \ue000came\ue001 over 1 < 2 hills. {'Calm. ' * 60}",
    )
    [article] = await listed(api, q="storm", highlight="true")
    shown = article["highlights"]
    assert shown["title"] == "<mark>Storms</mark> &amp; &lt;b&gt;hail&lt;/b&gt;"
    assert shown["description"] is None
    [passage] = shown["content"]
    assert "<mark>storm</mark> came over 1 &lt; 2" in passage
    assert "\ue000" not in passage
    assert "highlights" not in (await listed(api, q="storm"))[0]
    assert "highlights" not in (await listed(api, highlight="true"))[0]


async def test_those_of_a_long_content_are_out_of_its_beginning(api, archive):
    archive.article("Long", content=f"A storm. {'Calm. ' * (CONTENT // 6)} Another storm. {'Calm. ' * 60}")
    [article] = await listed(api, q="storm", highlight="true")
    [passage] = article["highlights"]["content"]
    assert passage.startswith("<mark>storm</mark>. Calm")


async def test_a_phrase_that_stands_only_behind_that_beginning_is_not_marked(connection, archive):
    article = archive.article("Long", content=f"A storm. {'Calm. ' * (CONTENT // 6)} A storm surge.")
    assert await marked(connection, article, '"storm surge"') == (None, None, [])


async def test_a_word_of_one_field_is_marked_in_that_field(connection, archive):
    article = archive.article("A climate", description="One climate", content="Some climate")
    title, description, content = (
        "A <mark>climate</mark>",
        "One <mark>climate</mark>",
        "Some <mark>climate</mark>",
    )
    assert await marked(connection, article, "climate") == (title, description, [content])
    assert await marked(connection, article, "title:climate") == (title, None, [])
    assert await marked(connection, article, "body:climate") == (None, description, [content])
    assert await marked(connection, article, "title:clim* OR body:some") == (title, None, [])
    assert await marked(connection, article, "title:climate body:one") == (
        title,
        "<mark>One</mark> climate",
        [],
    )


async def test_a_phrase_is_marked_where_it_stands(connection, archive):
    article = archive.article(
        "The climate of change", description="A climate change", content="Change of climate"
    )
    marked_phrase = "A <mark>climate</mark> <mark>change</mark>"
    assert await marked(connection, article, '"climate change"') == (None, marked_phrase, [])
    assert await marked(connection, article, '"climate change" OR "change of climate"') == (
        None,
        marked_phrase,
        ["<mark>Change</mark> of <mark>climate</mark>"],
    )


async def test_each_word_is_marked_wherever_it_stands_alone(connection, archive):
    article = archive.article("Climate talks", description="Talks", content="A flood of talks")
    expected = ("<mark>Climate</mark> talks", None, ["<mark>flood</mark> of talks"])
    assert await marked(connection, article, "climate flood") == expected
    assert await marked(connection, article, "climate OR flood") == expected


async def test_what_is_excluded_is_never_marked(connection, archive):
    article = archive.article("Climate talks", description="A flood", content="Storms")
    for query in ("climate -storm", "climate -(storm flood)", "climate NOT (storm -flood)"):
        assert await marked(connection, article, query) == ("<mark>Climate</mark> talks", None, []), query
    for query in ("-storm", "outlet:flood", "lang:en"):
        assert await marks(connection, article, query) is None, query


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Nuri Vallbona/Reuters", "reuters", "Nuri Vallbona/<mark>Reuters</mark>"),
        ("Nuri Vallbona/Reuters", "reut*", "Nuri Vallbona/<mark>Reuters</mark>"),
        ("A covid-19 wave", "19", "A covid-<mark>19</mark> wave"),
        ("A covid-19 wave", "covid-19", "A <mark>covid</mark>-<mark>19</mark> wave"),
        ("C++17 ~30", "17 30", "C++<mark>17</mark> ~<mark>30</mark>"),
        ("1 < 2, List<String>", "string", "1 &lt; 2, List&lt;<mark>String</mark>&gt;"),
        ("An I/O error/fault", "i/o fault", "An <mark>I/O</mark> error/<mark>fault</mark>"),
        ("I/O/covid-19", "covid", "I/O/<mark>covid</mark>-19"),
        ("at https://t.co/abc1#WEF-2", "abc1", "at https://t.co/<mark>abc1</mark>#WEF-2"),
    ],
)
async def test_words_beside_slashes_and_signs_are_marked(connection, archive, text, query, expected):
    article = archive.article(text, description=text, content=text)
    title, description, [passage] = await marked(connection, article, query)
    assert title == description == expected
    assert "<mark>" in passage
    assert passage in expected


async def test_words_are_marked_in_the_language_of_the_article(connection, archive):
    article = archive.article("Die Häuser", language="de", description="Das Haus/Heim")
    assert await marked(connection, article, "lang:de häusern") == (
        "Die <mark>Häuser</mark>",
        "Das <mark>Haus</mark>/Heim",
        [],
    )


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(WORDS) | st.sampled_from(MARKS) | ANY, max_size=12).map("".join))
@example("i/o/i/o-7/getty")
@example("i/o.getty +-19 --7 7+7-19")
@example("1e-5 7e+19 getty_-7 a@b.co-19 +a@i/o /getty/ ~/reuters i/o.")
@example("<a href='http://getty/reuters?19'>covid</a>")
async def test_a_text_is_shown_as_it_is_and_marked_where_it_is_found(connection, archive, text):
    article = archive.article(text, description=text, content=text)
    query = parse(" OR ".join([*WORDS, "i/o"]))
    known = await matching(connection, Wanted(query=query, whole=query))
    found = (await highlights(connection, [article], known.finds))[article]
    assert found.title == found.description
    shown = found.title
    rows = await connection.execute(
        "SELECT search @@ %s::tsquery FROM articles WHERE id = %s", [known.ranking, article]
    )
    [is_found] = await rows.fetchone()
    assert (shown is not None, bool(found.content)) == (is_found, is_found)
    if shown is not None:
        assert html.unescape(re.sub("</?mark>", "", shown)) == text
    for passage in found.content:
        assert html.unescape(re.sub("</?mark>", "", passage)) in text


async def listed(api, **parameters) -> list[dict]:
    answer = await api.get("/articles", params=parameters, headers={"Prefer": "wait=0"})
    assert answer.status_code == 200, answer.text
    return answer.json()["articles"]
