"""How PostgreSQL runs the searches: through an index, whatever is asked."""

import itertools
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from api.queries import search as queries
from api.queries.search import Search
from shared import db

pytestmark = pytest.mark.anyio

ARTICLES = 20_000
EMPTY = {"q": "", "sources": None, "sentiment": None, "since": None, "until": None, "language": None}
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
            """
        )
        owner.execute("VACUUM ANALYZE articles")
    return database


class Explained:
    """A connection that runs each statement twice and keeps its plan."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self.plans: list[str] = []

    async def execute(self, query: Any, values: Any = None, **options: Any) -> Any:
        text = query.as_string(self._connection) if hasattr(query, "as_string") else query
        found = await self._connection.execute("EXPLAIN (ANALYZE, BUFFERS) " + text, values, prepare=False)
        self.plans.append("\n".join(row[0] for row in await found.fetchall()))
        return await self._connection.execute(query, values, **options)


SEARCHES = [
    {"q": RARE},
    {"q": f"{RARE} -storms"},
    {"q": RARE, "language": "en"},
    {"q": "storm", "since": datetime(2020, 1, 1, tzinfo=UTC)},
    {"q": COMMON},
    {"q": f"{COMMON} or storm"},
    {"q": '"government and"', "page": 50},
    {},
    {"sources": ("guardian",), "page": 20},
]


async def test_no_search_reads_the_whole_archive(archive_of_many, subtests):
    async with (
        db.pool_async(archive_of_many.api, 1, statement_timeout_ms=5000) as pool,
        pool.connection() as connection,
    ):
        for asked, sort in itertools.product(SEARCHES, ("relevance", "newest", "oldest")):
            with subtests.test(asked=asked, sort=sort):
                search = Search(**({**EMPTY, "sort": sort, "limit": 20, "page": 1} | asked))
                explained = Explained(connection)
                found = await queries.find(explained, search, datetime.now(UTC))
                assert found.articles
                check(
                    [plan for plan in explained.plans if " on articles " in plan],
                    rare=search.q.startswith(RARE),
                )


def check(plans: list[str], *, rare: bool) -> None:
    page, *others = plans
    print(*plans, sep="\n\n")  # noqa: T201 - the plans belong to the test's output
    assert "Seq Scan on articles" not in page
    assert ("articles_search_idx" if rare else "articles_published_at_id_idx") in page
    # Counting a very common word reads rows as they come, and stops at its cap: that alone may go without an index.
    assert len([plan for plan in others if "Seq Scan on articles" in plan]) <= (0 if rare else 1)
