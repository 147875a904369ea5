"""The api finds exactly what a brute-force evaluator finds, for generated queries, filters, orders and page sizes."""

import asyncio
import json
import random
from datetime import timedelta
from urllib.parse import urlencode

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import AsyncTestClient

from api.app import create_app
from shared.config import ApiSettings
from shared.query import parser
from shared.query.tree import all_of
from tests.factories import NOW, UNLIMITED, Archive
from tests.integration.query import test_equivalence as query_tests
from tests.integration.query.brute_force import BruteForce

ROWS = 150
DAYS = [0, 0.2, 1, 3, 20, 90, 400, 2_000]


@pytest.fixture
def ask(database, redis_url):
    with psycopg.connect(database.worker, autocommit=True) as worker:
        _fill(worker)
    configured = ApiSettings(
        database_url=database.api, redis_url=redis_url, log_level="error", cold_wait_seconds=0.0, **UNLIMITED
    )
    with asyncio.Runner() as runner:
        client = AsyncTestClient(create_app(configured))
        runner.run(client.__aenter__())
        yield lambda query: runner.run(client.get(f"/articles?{query}"))
        runner.run(client.__aexit__(None, None, None))


def _fill(worker: psycopg.Connection) -> None:
    chance, archive = random.Random(23), Archive(worker)
    stories = [archive.story() for _ in range(90)]
    for _ in range(ROWS):
        archive.article(
            query_tests._text(chance, 1, 6),
            tone=chance.choice([None, "no_text", *query_tests.LABELS]),
            polarity=chance.choice(query_tests.POLARITIES),
            description=chance.choice([None, query_tests._text(chance, 0, 8)]),
            content=chance.choice([None, query_tests._text(chance, 0, 30)]),
            author=chance.choice(query_tests.AUTHORS),
            source_name=chance.choice(query_tests.OUTLETS),
            language=chance.choice(query_tests.LANGUAGES),
            sources=chance.sample(query_tests.SOURCES, chance.randint(1, 3)),
            image_url=chance.choice([None, "https://i.example/1.jpg"]),
            published_at=NOW - timedelta(days=chance.choice(DAYS), minutes=chance.randrange(3)),
            story_id=chance.choice(stories),
        )
    worker.execute("ANALYZE articles, article_sentiments")


@pytest.fixture
def brute_force(ask, database) -> BruteForce:
    with psycopg.connect(database.api, autocommit=True) as reader:
        return query_tests._brute_force(reader)


@pytest.fixture
def rows(ask, database) -> dict[int, tuple]:
    """By id: story, date, picture."""
    with psycopg.connect(database.api, autocommit=True) as reader:
        found = reader.execute(
            "SELECT id, story_id, published_at, image_url IS NOT NULL FROM articles"
        ).fetchall()
    return {row[0]: row[1:] for row in found}


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "source": st.sampled_from(["guardian", "newsapi,reddit"]),
        "outlet": st.sampled_from(["bbc", "The Guardian,bbc news", "-bbc news"]),
        "author": st.sampled_from(["smith", "jane,josé müller"]),
        "sentiment": st.sampled_from(query_tests.LABELS),
        "min_polarity": st.sampled_from(["-0.5", "0.3"]),
        "language": st.sampled_from(["en", "de", "fr"]),
        "has_image": st.sampled_from(["true", "false"]),
        "from": st.sampled_from(["2020-01-01", "2026-02-20T11:59:00Z"]),
        "to": st.sampled_from(["2026-02-28", "2026-03-01T12:00:00Z"]),
    },
)
# The same filters in the query language.
SAID = {
    "source": {"guardian": "source:guardian", "newsapi,reddit": "source:(newsapi OR reddit)"},
    "outlet": {
        "bbc": "outlet:bbc",
        "The Guardian,bbc news": 'outlet:("the guardian" OR "bbc news")',
        "-bbc news": '-outlet:"bbc news"',
    },
    "author": {"smith": "author:smith", "jane,josé müller": 'author:(jane OR "josé müller")'},
}


def _expected(brute_force, rows, tree, filters) -> set[int] | None:
    said = [SAID[name][value] for name, value in filters.items() if name in SAID]
    said += [f"sentiment:{filters['sentiment']}"] if "sentiment" in filters else []
    said += [f"sentiment:>={filters['min_polarity']}"] if "min_polarity" in filters else []
    said += [f"lang:{filters['language']}"] if "language" in filters else []
    languages = [filters["language"]] if "language" in filters else []
    if brute_force.find(tree, languages) is None:
        return None
    found = brute_force.find(all_of([tree, *(parser.parse(each).root for each in said)]), languages)
    return {id_ for id_ in found or () if _in_time(rows[id_], filters)}


def _in_time(row: tuple, filters: dict[str, str]) -> bool:
    _, at, picture = row
    since = {"2020-01-01": "2020-01-01T00:00:00"}.get(
        filters.get("from", ""), filters.get("from", "0").rstrip("Z")
    )
    until = {"2026-02-28": "2026-03-01T00:00:00"}.get(
        filters.get("to", ""), filters.get("to", "9").rstrip("Z")
    )
    wanted = filters.get("has_image")
    return since <= at.strftime("%Y-%m-%dT%H:%M:%S") < until and wanted in (None, str(picture).lower())


@settings(max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    tree=query_tests._TREES,
    filters=FILTERS,
    sort=st.sampled_from(["relevance", "newest", "oldest", "coverage", "positive", "negative"]),
    limit=st.sampled_from([3, 20, 100]),
    seed=st.integers(0, 99),
)
def test_the_api_finds_what_brute_force_finds(ask, brute_force, rows, tree, filters, sort, limit, seed):
    typed = query_tests._Typist(seed).typed(tree)
    query = urlencode({"q": typed, **filters, "sort": sort, "limit": limit})
    expected = _expected(brute_force, rows, tree, filters)
    answer = ask(query)
    if expected is None:
        assert (answer.status_code, answer.json()["code"]) == (400, "query_only_common_words"), typed
        return
    assert answer.status_code == 200, (typed, answer.text)
    pages = [answer.json()]
    while pages[-1]["next"]:
        pages.append(json.loads(ask(f"{query}&cursor={pages[-1]['next']}").content))
    shown = [article["id"] for page in pages for article in page["articles"]]
    assert set(shown) <= expected, typed
    stories = [rows[id_][0] for id_ in shown]
    assert sorted(stories) == sorted({rows[id_][0] for id_ in expected}), typed
    assert (pages[0]["total"], pages[0]["total_relation"]) == (len(stories), "eq")
    times = [rows[id_][1] for id_ in shown]
    if sort == "newest":
        assert times == sorted(times, reverse=True)
    if sort == "oldest":
        assert times == sorted(times)
