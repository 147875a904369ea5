"""The api finds exactly what a brute-force evaluator finds, for generated queries, filters, orders and page sizes."""

import asyncio
import json
import random
import statistics
from bisect import bisect_right
from collections import Counter
from datetime import datetime, timedelta
from urllib.parse import urlencode

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.queries import explaining
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
        yield lambda address: runner.run(client.get(address))
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
    """By id: story, date, picture, outlet; and of its tone: polarity, label, subjectivity, why there is none."""
    with psycopg.connect(database.api, autocommit=True) as reader:
        found = reader.execute(
            """
            SELECT a.id, a.story_id, a.published_at, a.image_url IS NOT NULL, a.source_name, s.polarity,
                   s.label, s.subjectivity, CASE WHEN s.polarity IS NULL THEN coalesce(s.reason, 'not_analyzed') END
            FROM articles a LEFT JOIN article_sentiments s ON s.article_id = a.id
            """
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
    if tree is not None and brute_force.find(tree, languages) is None:
        return None
    asked = [*([] if tree is None else [tree]), *(parser.parse(each).root for each in said)]
    found = brute_force.find(all_of(asked), languages) if asked else set(rows)
    return {id_ for id_ in found or () if _in_time(rows[id_], filters)}


def _in_time(row: tuple, filters: dict[str, str]) -> bool:
    _, at, picture, *_ = row
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
    answer = ask(f"/articles?{query}")
    if expected is None:
        assert (answer.status_code, answer.json()["code"]) == (400, "query_only_common_words"), typed
        return
    assert answer.status_code == 200, (typed, answer.text)
    pages = [answer.json()]
    while pages[-1]["next"]:
        pages.append(json.loads(ask(f"/articles?{query}&cursor={pages[-1]['next']}").content))
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


# For a whole run: answers that are asked for often are made anew in the background, at any time.
@pytest.fixture(params=[3, 20, 1_000])
def most(request, monkeypatch):
    monkeypatch.setattr(explaining, "MOST", request.param)
    return request.param


@settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    tree=st.none() | query_tests._TREES,
    filters=st.just({}) | FILTERS,
    seed=st.integers(0, 99),
)
def test_an_explanation_adds_up_and_agrees_with_the_search(most, ask, brute_force, rows, tree, filters, seed):
    query = dict(filters)
    if tree is not None:
        query["q"] = query_tests._Typist(seed).typed(tree)
    expected = _expected(brute_force, rows, tree, filters)
    if expected is None:
        return
    answer = ask(f"/articles?{urlencode({**query, 'explain': 'true', 'limit': 3})}").json()
    explained = answer["explain"]
    removed = [each["removed"] for each in explained["filters"]]
    assert explained["remaining"] == explained["examined"] - sum(removed), query
    assert all(each["removed"] <= each["failing"] <= explained["examined"] for each in explained["filters"])
    assert all(
        each["failing"] == 0 for each in explained["filters"] if each["filter"] in explained["found_by"]
    )
    if explained["filters"]:
        assert removed[0] == explained["filters"][0]["failing"]
    if explained["examined_relation"] == "eq":
        assert explained["remaining"] == len(expected), query
        assert explained["remaining_stories"] == answer["total"] == len({rows[id_][0] for id_ in expected})
    else:
        assert explained["examined"] == most
        assert explained["remaining"] <= len(expected), query
    if most == 1_000:
        assert explained["examined_relation"] == "eq"


TENTHS = [n / 10 for n in range(-10, 10)]
# Often without words and filters: what is asked of everything goes another way.
ANY = st.none() | query_tests._TREES
MOMENTS = st.integers(-2_100 * 24 * 60, 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


@settings(max_examples=250, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    tree=ANY,
    filters=st.just({}) | FILTERS,
    moments=st.lists(MOMENTS, min_size=2, max_size=2, unique=True).map(sorted),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
    seed=st.integers(0, 99),
)
def test_trends_and_summary_tell_of_what_brute_force_finds(
    ask, brute_force, rows, tree, filters, moments, zone, seed
):
    since, until = moments
    filters = {name: value for name, value in filters.items() if name not in ("from", "to")}
    query = {**filters, "from": since.isoformat(), "to": until.isoformat()}
    if tree is not None:
        query["q"] = query_tests._Typist(seed).typed(tree)
    expected = _expected(brute_force, rows, tree, filters)
    trends = ask(
        _address("trends", query, interval="day" if until - since < timedelta(900) else "week", tz=zone)
    )
    summary = ask(_address("summary", query))
    if expected is None:
        assert (trends.status_code, summary.status_code) == (400, 400), query
        return
    told = {id_: row for id_, row in rows.items() if since <= row[1] < until}
    _check_trends(trends.json(), told, expected)
    _check_summary(summary.json(), [row for id_, row in told.items() if id_ in expected])


def _address(what: str, query: dict[str, str], **more: str) -> str:
    return f"/articles/sentiment/{what}?{urlencode({**query, **more})}"


def _check_trends(found, told, expected):
    assert (found["articles"], found["coverage"]) == (len(told.keys() & expected), len(told))
    for bucket in found["buckets"]:
        begin, end = datetime.fromisoformat(bucket["from"]), datetime.fromisoformat(bucket["to"])
        here = {id_: row for id_, row in told.items() if begin <= row[1] < end}
        mine = [row for id_, row in here.items() if id_ in expected]
        assert (bucket["coverage"], bucket["articles"]) == (len(here), len(mine)), bucket
        assert _tone(bucket) == _tone_of(mine)
        assert {label: bucket[label] for label in query_tests.LABELS} == _labels_of(mine)


def _check_summary(found, mine):
    assert (found["articles"], found["labels"]) == (len(mine), _labels_of(mine))
    assert _tone(found) == _tone_of(mine)
    polarities = _polarities(mine)
    assert found["median_polarity"] == _near(statistics.median, polarities)
    assert found["deviation"] == _near(statistics.pstdev, polarities)
    assert found["subjectivity"] == _near(statistics.mean, [row[6] for row in mine if row[6] is not None])
    assert found["unmeasured"] == Counter(row[7] for row in mine if row[7])
    bins = Counter(bisect_right(TENTHS, polarity) for polarity in polarities)
    assert [each["articles"] for each in found["histogram"]] == [bins[n] for n in range(1, 21)]
    told = {each["source_name"]: (each["articles"], each["polarity"]) for each in found["outlets"]}
    outlets = {row[3] for row in mine}
    by_outlet = {outlet: [row for row in mine if row[3] == outlet] for outlet in outlets}
    assert told == {outlet: (len(rows), _tone_of(rows)[1]) for outlet, rows in by_outlet.items()}
    assert [count for count, _ in told.values()] == sorted((len(r) for r in by_outlet.values()), reverse=True)


def _tone(found):
    return found["measured"], found["polarity"]


def _tone_of(rows):
    return len(_polarities(rows)), _near(statistics.mean, _polarities(rows))


def _labels_of(rows):
    return {label: sum(row[5] == label for row in rows) for label in query_tests.LABELS}


def _polarities(rows):
    return [row[4] for row in rows if row[4] is not None]


def _near(mean, values):
    return pytest.approx(mean(values), abs=1e-4) if values else None
