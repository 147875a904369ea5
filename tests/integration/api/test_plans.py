"""How PostgreSQL runs searches, trends and what else reads articles: through an index, whatever is asked."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg
import pytest

from api import question
from api.cursor import Cursors
from api.queries import explaining, similar, stories, trends
from api.queries import search as queries
from api.queries.search import Place
from shared import db

pytestmark = pytest.mark.anyio

ARTICLES = 20_000
COMMON, RARE = "government", "ostrich"


@pytest.fixture
def archive_of_many(database):
    """Articles of which all have one common word, a fifth another, and ten a rare one."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(
            f"""
            WITH s AS (INSERT INTO stories DEFAULT VALUES RETURNING id) SELECT 1;
            INSERT INTO stories (article_count) SELECT 1 FROM generate_series(2, {ARTICLES});
            INSERT INTO articles (source, external_id, url, page, title, content, source_name, language, published_at,
                modified_at, fetched_at, story_id, match_method, completeness, digest, sources)
            SELECT 'guardian', n, 'https://x.example/' || n, 'x.example/' || n,
                'The government and number ' || n || CASE WHEN n % 5 = 0 THEN ' storm' ELSE '' END
                || CASE WHEN n % 1999 = 0 THEN ' ostrich' ELSE '' END,
                repeat('some words of an article that is long enough to be real ', 20), 'X', 'en',
                now() - n * interval '1 minute', now(), now(), n, 'first', 50, 0, ARRAY['guardian']
            FROM generate_series(1, {ARTICLES}) n;
            UPDATE stories SET lead_id = id, first_published_at = now(), last_published_at = now();
            INSERT INTO article_sentiments (article_id, polarity, subjectivity, label, confidence, text_length, method,
                method_version, analyzed_at)
            SELECT id, 0, 0, 'neutral', 1, 1000, 'x', '1', now() FROM articles;
            """
        )
        owner.execute("VACUUM ANALYZE articles, article_sentiments")
    return database


class Explained:
    """A connection that runs each statement twice and keeps its plan."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self.plans: list[str] = []

    async def execute(self, query: Any, values: Any = None, **options: Any) -> Any:
        text = query.as_string(self._connection) if hasattr(query, "as_string") else query
        if not text.startswith("SET "):
            found = await self._connection.execute(
                "EXPLAIN (ANALYZE, BUFFERS) " + text, values, prepare=False
            )
            self.plans.append("\n".join(row[0] for row in await found.fetchall()))
        return await self._connection.execute(query, values, **options)


SEARCHES = [
    {"q": RARE},
    {"q": f"{RARE} -storms"},
    {"q": RARE, "language": "en"},
    {"q": f"title:{RARE}"},
    {"q": "storm", "from": "2020-01-01"},
    {"q": "storm", "outlet": "X", "has_image": "false"},
    {"q": "storm", "sentiment": "positive"},
    {"q": "ostr* OR numb*"},
    {"q": "-storm"},
    {"q": COMMON},
    {"q": f"{COMMON} OR storm"},
    {"q": '"government and number"', "page": "50"},
    {"outlet": "X"},
    {"author": "nobody"},
    {},
    {"source": "guardian", "page": "20"},
]
SORTS = ("relevance", "newest", "oldest", "coverage", "positive", "negative")
CURSORS = Cursors("secret")


@pytest.fixture
async def connection(archive_of_many):
    async with (
        db.pool_async(archive_of_many.api, 1, statement_timeout_ms=5000) as pool,
        pool.connection() as connection,
    ):
        yield connection


@pytest.fixture
def check(capsys):
    """check(plans, what): no statement reads a whole table. One plan of each shape is shown, also when all is well."""
    shown = set()

    def checked(plans: list[str], what: str) -> None:
        assert plans
        for plan in plans:
            shape = what, *re.findall(r"(?:^|-> +)(\w[\w ]*?)  \(", plan, re.MULTILINE)
            if shape not in shown:
                shown.add(shape)
                with capsys.disabled():
                    print(f"\n-- {what}\n{plan}")  # noqa: T201 - the plans belong to the test's output
            assert "Seq Scan on articles" not in plan
            assert "Seq Scan on article_sentiments" not in plan

    return checked


def articles_read(plan: str) -> int:
    """Rows of articles that were looked at, those that were then left out too."""
    scans = re.findall(
        r"Scan (?:using \w+ )?on articles\b.*?rows=[\d.]+ width.*?rows=([\d.]+) loops=(\d+)", plan
    )
    removed = re.findall(r"Rows Removed by (?:Filter|Index Recheck): (\d+)", plan)
    return sum(int(float(rows) * int(loops)) for rows, loops in scans) + sum(map(int, removed))


async def test_no_search_reads_the_whole_archive(connection, subtests, check):
    for asked, sort in itertools.product(SEARCHES, SORTS):
        with subtests.test(asked=asked, sort=sort):
            understood = question.of(urlencode(asked | {"sort": sort}).encode(), CURSORS)
            wanted = understood.asked.wanted
            explained = Explained(connection)
            place = Place(page=understood.view.page, limit=20)
            found = await queries.find(explained, wanted, sort, place, datetime.now(UTC))
            check(explained.plans, "list")
            if found.next:
                explained = Explained(connection)
                after = Place(page=1, limit=20, after=msgspec.structs.replace(found.next, ranked=[]))
                await queries.find(explained, wanted, sort, after, datetime.now(UTC))
                check(explained.plans, "what follows a cursor")


async def test_no_trend_and_no_distribution_reads_the_whole_archive(connection, subtests, check):
    until = datetime.now(UTC)
    for asked, span in itertools.product(SEARCHES, (timedelta(hours=6), timedelta(days=90))):
        with subtests.test(asked=asked, span=span):
            wanted = question.of(urlencode(asked).encode(), CURSORS).asked.wanted
            wanted = msgspec.structs.replace(wanted, since=until - span, until=until)
            async with connection.transaction():
                explained = Explained(connection)
                await trends.buckets(explained, wanted, [until - span, until - span / 2, until])
                check(explained.plans, "trends")
                if not asked:
                    assert "articles_over_time_idx" in explained.plans[0]
                explained = Explained(connection)
                await trends.distribution(explained, wanted)
                check(explained.plans, "summary")


@pytest.mark.parametrize("read", ["buckets", "distribution"])
async def test_a_trend_of_a_rare_word_reads_only_the_articles_that_have_it(connection, read):
    # Without a scan of the table at hand PostgreSQL would read all articles of the time through another index.
    until = datetime.now(UTC)
    wanted = question.of(f"q={RARE}".encode(), CURSORS).asked.wanted
    wanted = msgspec.structs.replace(wanted, since=until - timedelta(days=90), until=until)
    async with connection.transaction():
        explained = Explained(connection)
        if read == "buckets":
            await trends.buckets(explained, wanted, [wanted.since, until])
        else:
            await trends.distribution(explained, wanted)
    [plan] = [plan for plan in explained.plans if "articles_blocks_idx" in plan]
    assert 0 < articles_read(plan) <= 40


async def test_no_explanation_reads_the_whole_archive(connection, subtests, check):
    for asked in SEARCHES:
        with subtests.test(asked=asked):
            explained = Explained(connection)
            wanted = question.of(urlencode(asked).encode(), CURSORS).asked.wanted
            await explaining.explanation(explained, wanted)
            check(explained.plans, "explain")


async def test_neither_what_is_similar_nor_a_story_reads_the_whole_archive(connection, monkeypatch, check):
    # Not those of another test's archive, in which other words are rare.
    monkeypatch.setattr(similar, "_statistics", similar._Statistics())
    [article, story] = await (
        await connection.execute(f"SELECT id, story_id FROM articles WHERE title LIKE '%{RARE}' LIMIT 1")
    ).fetchone()
    explained = Explained(connection)
    found = await similar.similar(explained, article, 10)
    assert RARE in [each.term for each in found.terms]
    check(explained.plans, "similar")
    explained = Explained(connection)
    await stories.by_id(explained, story)
    check(explained.plans, "story")


async def test_a_list_looks_into_the_index_once_for_each_block_of_time(connection):
    explained = Explained(connection)
    wanted = question.of(f"q={COMMON}".encode(), CURSORS).asked.wanted
    await queries.find(explained, wanted, "newest", Place(page=1, limit=20), datetime.now(UTC))
    [plan] = [plan for plan in explained.plans if "articles_blocks_idx" in plan]
    looks = int(re.search(r"Bitmap Index Scan on articles_blocks_idx .* loops=(\d+)", plan)[1])
    assert looks <= 8
