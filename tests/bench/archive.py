"""An archive of generated articles, loaded by COPY in a minute or two and kept under .cache/ between runs."""

import contextlib
import hashlib
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from psycopg import Connection

from deploy.local.servers import Postgres
from ingest.pipeline import match
from migrations.__main__ import alembic_config
from tests.bench.generator import Made, made

REPOSITORY = Path(__file__).parents[2]
CACHE = REPOSITORY / ".cache" / "bench"
# An archive is made anew when what makes it changes.
_MAKERS = [
    "migrations/versions",
    "tests/bench/generator.py",
    "tests/bench/archive.py",
    "ingest/pipeline/match.py",
]

_COLUMNS = {
    "stories": "id, lead_id, article_count, sources, first_published_at, last_published_at",
    "articles": "id, source, external_id, url, page, title, description, content, author, source_name, image_url, "
    "language, published_at, modified_at, fetched_at, story_id, match_method, completeness, digest, sources, polarity, "
    "label",
    "sightings": "source, external_id, article_id, url, source_name, published_at, fetched_at",
    "titles": "id, article_id, title_key, numbers, published_at",
    "title_words": "word, published_at, title_id",
    "article_sentiments": "article_id, polarity, subjectivity, label, confidence, text_length, method, method_version, "
    "analyzed_at",
}
_ONCE = ("articles", "sightings", "titles", "title_words", "article_sentiments")
# Building an index over all rows is several times faster than growing it row by row.
_LATE_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique
"""


def template(server: Postgres, articles: int) -> str:
    """The name of a database that holds so many articles; made on first use."""
    name = f"archive_{articles}_{_fingerprint()}"
    with server.admin() as admin:
        exists = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if exists is None:
        making = f"{name}_making"
        server.drop_database(making)
        server.create_database(making)
        owner = server.url("newsintel_owner", making)
        command.upgrade(alembic_config(owner), "head")
        with psycopg.connect(owner) as conn:
            load(conn, made(articles))
        with psycopg.connect(owner, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")
        with server.admin() as admin:
            admin.execute(f"ALTER DATABASE {making} RENAME TO {name}")
    return name


@contextlib.contextmanager
def copy(server: Postgres, of: str, name: str) -> Iterator[str]:
    """A database of one's own with what the template holds; yields its name."""
    server.drop_database(name)
    server.create_database(name, template=of)
    try:
        yield name
    finally:
        server.drop_database(name)


def load(conn: Connection[Any], articles: Iterable[Made]) -> int:
    """COPY articles and all that belongs to them into empty tables; returns how many."""
    late = conn.execute(_LATE_INDEXES, (list(_COLUMNS),)).fetchall()
    for index, _ in late:
        conn.execute(f"DROP INDEX {index}")
    count = 0
    stories: dict[int, list[Any]] = {}
    batch: list[Made] = []
    for article in articles:
        batch.append(article)
        _count_in(stories, article)
        if len(batch) == 20_000:
            count += _copy_batch(conn, batch, stories)
            batch = []
    count += _copy_batch(conn, batch, stories)
    _finish_stories(conn, stories)
    for _, definition in late:
        conn.execute(definition)
    for table in ("stories", "articles", "titles"):
        conn.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 1) FROM {table}))"
        )
    return count


def copy_rows(conn: Connection[Any], articles: list[Made], *, first_story: int) -> int:
    """COPY further articles, each into a story of its own, with all indexes: what the database itself can take."""
    alone = [
        Made(number=a.number, story=a.number + first_story, title=a.title, at=a.at, raw=a.raw)
        for a in articles
    ]
    stories: dict[int, list[Any]] = {}
    for article in alone:
        _count_in(stories, article)
    return _copy_batch(conn, alone, stories)


def _copy_batch(conn: Connection[Any], batch: list[Made], stories: dict[int, list[Any]]) -> int:
    new = [a for a in batch if stories[a.story][1] == a.number]
    _copy(conn, "stories", [[a.story + 1, a.number + 1, 1, [a.raw.source], a.at, a.at] for a in new])
    rows = [_rows(article) for article in batch]
    for table in _ONCE:
        _copy(conn, table, [row for each in rows for row in each[table]])
    return len(batch)


def _copy(conn: Connection[Any], table: str, rows: Iterable[list[Any]]) -> None:
    with conn.cursor() as cursor, cursor.copy(f"COPY {table} ({_COLUMNS[table]}) FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)


def _count_in(stories: dict[int, list[Any]], article: Made) -> None:
    """story number -> [articles, lead (its first article), sources, last published]."""
    story = stories.setdefault(article.story, [0, article.number, set(), article.at])
    story[0] += 1
    story[2].add(article.raw.source)
    story[3] = article.at


def _finish_stories(conn: Connection[Any], stories: dict[int, list[Any]]) -> None:
    conn.execute(
        "CREATE TEMP TABLE counted (id bigint, n int, sources text[], last timestamptz) ON COMMIT DROP"
    )
    with conn.cursor() as cursor, cursor.copy("COPY counted FROM STDIN") as copying:
        for number, (count, _, sources, last) in stories.items():
            if count > 1:
                copying.write_row([number + 1, count, sorted(sources), last])
    conn.execute(
        """
        UPDATE stories SET article_count = n, sources = counted.sources, last_published_at = last
        FROM counted WHERE counted.id = stories.id
        """
    )


def _rows(made_up: Made) -> dict[str, list[list[Any]]]:
    raw, at, id_ = made_up.raw, made_up.at, made_up.number + 1
    url = (raw.url or "").partition("?")[0]
    page = url.removeprefix("https://www.")
    external_id = raw.external_id or page
    key, numbers = match.title_key(made_up.title), match.numbers(made_up.title)
    dice = random.Random(id_)
    polarity = max(-1.0, min(dice.gauss(0.05, 0.2), 1.0))
    label = "positive" if polarity >= 0.1 else "negative" if polarity <= -0.1 else "neutral"
    article = [
        *(id_, raw.source, external_id, url, page, made_up.title, raw.description, raw.content, raw.author),
        *(raw.source_name, raw.image_url, raw.language, at, at, at, made_up.story + 1),
        *(
            "first" if made_up.story == made_up.number else "title",
            90 if raw.author else 75,
            id_,
            [raw.source],
            polarity,
            label,
        ),
    ]
    return {
        "articles": [article],
        "sightings": [[raw.source, external_id, id_, url, raw.source_name, at, at]],
        "titles": [[id_, id_, key, numbers, at]],
        "title_words": [[word, at, id_] for word in match.words(key, numbers)],
        "article_sentiments": [
            [id_, polarity, dice.random(), label, dice.random(), 400, "generated", "1", at]
        ],
    }


def _fingerprint() -> str:
    files = [
        file
        for maker in _MAKERS
        for file in sorted((REPOSITORY / maker).rglob("*.py")) or [REPOSITORY / maker]
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
