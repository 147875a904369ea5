"""Sentiments: one row per article, made on write."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from ingest.article import Sentiment
from ingest.store.rows import rows


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """What of an article is scored."""

    id: int
    title: str
    description: str | None
    content: str | None
    language: str | None


def out_of_date(conn: Connection[Any], version: str, count: int) -> list[Text]:
    """Articles that another version of the method has scored, or that do not carry their tone for searches."""
    with conn.cursor(row_factory=class_row(Text)) as cursor:
        return cursor.execute(
            """
            SELECT a.id, a.title, a.description, a.content, a.language
            FROM article_sentiments s JOIN articles a ON a.id = s.article_id
            WHERE s.method_version <> %s OR (a.polarity, a.label) IS DISTINCT FROM (s.polarity, s.label) LIMIT %s
            """,
            (version, count),
        ).fetchall()


def texts(conn: Connection[Any], ids: Sequence[int]) -> list[Text]:
    """As they are now."""
    with conn.cursor(row_factory=class_row(Text)) as cursor:
        return cursor.execute(
            "SELECT id, title, description, content, language FROM articles WHERE id = ANY(%s)", (ids,)
        ).fetchall()


def upsert(conn: Connection[Any], by_article: Mapping[int, Sentiment], at: datetime) -> None:
    """Store the sentiment of each article id, in the place of an older one, and its tone with the article."""
    conn.execute(
        """
        WITH stored AS (
            INSERT INTO article_sentiments
                (article_id, polarity, subjectivity, label, confidence, text_length, method, method_version, reason,
                 analyzed_at)
            SELECT article_id, polarity, subjectivity, label, confidence, text_length, method, method_version, reason,
                   %s
            FROM json_to_recordset(%s) AS r (
                article_id bigint, polarity real, subjectivity real, label text, confidence real, text_length int,
                method text, method_version text, reason text
        )
            ON CONFLICT (article_id) DO UPDATE SET
                (polarity, subjectivity, label, confidence, text_length, method, method_version, reason, analyzed_at) =
                (excluded.polarity, excluded.subjectivity, excluded.label, excluded.confidence, excluded.text_length,
                 excluded.method, excluded.method_version, excluded.reason, excluded.analyzed_at)
            RETURNING article_id, polarity, label
        )
        UPDATE articles SET (polarity, label) = (stored.polarity, stored.label) FROM stored
        WHERE id = article_id AND (articles.polarity, articles.label) IS DISTINCT FROM (stored.polarity, stored.label)
        """,
        (at, rows({"article_id": id_, **msgspec.structs.asdict(s)} for id_, s in by_article.items())),
    )
