"""Titles as story matching compares them, and the words that they are filed under."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from ingest.store.rows import rows


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A title of an article."""

    article_id: int
    title_key: str
    numbers: str
    published_at: datetime


class New(Stored, frozen=True, kw_only=True):
    """A title to be filed."""

    words: tuple[int, ...]


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for titles filed under a word within a time; n: whose word it is."""

    n: int
    word: int
    since: datetime
    until: datetime


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A stored title that shares a word with title n."""

    n: int
    page: str
    story_id: int
    title_key: str
    numbers: str
    published_at: datetime


def known(conn: Connection[Any], article_ids: Collection[int]) -> list[Stored]:
    """All titles of these articles."""
    with conn.cursor(row_factory=class_row(Stored)) as cursor:
        return cursor.execute(
            "SELECT article_id, title_key, numbers, published_at FROM titles WHERE article_id = ANY(%s)",
            (list(article_ids),),
        ).fetchall()


def candidates(conn: Connection[Any], sought: Iterable[Sought]) -> list[Candidate]:
    """Stored titles that share a word with a sought one."""
    with conn.cursor(row_factory=class_row(Candidate)) as cursor:
        return cursor.execute(
            """
            WITH hits AS MATERIALIZED (
                SELECT DISTINCT s.n, w.title_id
                FROM json_to_recordset(%s) AS s (n int, word int, since timestamptz, until timestamptz)
                JOIN title_words w ON w.word = s.word AND w.published_at BETWEEN s.since AND s.until
            )
            SELECT hits.n, a.page, a.story_id, t.title_key, t.numbers, t.published_at
            FROM hits JOIN titles t ON t.id = hits.title_id JOIN articles a ON a.id = t.article_id
            """,
            (rows(sought),),
        ).fetchall()


def insert(conn: Connection[Any], new: Iterable[New]) -> None:
    """File titles under their words. No two of them may be equal."""
    conn.execute(
        """
        WITH r AS MATERIALIZED (
            SELECT * FROM json_to_recordset(%s) AS r (
                article_id bigint, title_key text, numbers text, published_at timestamptz, words json
            )
        ), stored AS (
            INSERT INTO titles (article_id, title_key, numbers, published_at)
            SELECT article_id, title_key, numbers, published_at FROM r
            RETURNING id, article_id, title_key, numbers, published_at
        )
        INSERT INTO title_words (word, published_at, title_id)
        SELECT word.value::int, published_at, stored.id
        FROM r JOIN stored USING (article_id, title_key, numbers, published_at),
             json_array_elements_text(r.words) AS word
        """,
        (rows(new),),
    )
