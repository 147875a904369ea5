"""Saved articles and stories: each with a copy of what it was called and where it stands."""

from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    version: int
    notes: str
    tags: list[str]


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """notes: characters in all of them."""

    rows: int
    notes: int


def insert_article(
    conn: Connection[Any],
    user_id: int,
    article_id: int,
    notes: str,
    tags: list[str],
    at: datetime,
) -> int | None:
    """Returns the new row's id; None when there is one, or no such article."""
    row = conn.execute(
        """
        INSERT INTO saved_articles
            (user_id, kind, article_id, story_id, title, url, source, source_name, published_at, notes, tags,
             saved_at, edited_at)
        SELECT %(user)s, 'article', id, story_id, title, url, source, source_name, published_at, %(notes)s, %(tags)s,
               %(at)s, %(at)s
        FROM articles
        WHERE id = %(article)s
        ON CONFLICT (user_id, article_id) WHERE kind = 'article' DO NOTHING
        RETURNING id
        """,
        {"user": user_id, "article": article_id, "notes": notes, "tags": tags, "at": at},
    ).fetchone()
    return row[0] if row else None


def insert_story(
    conn: Connection[Any],
    user_id: int,
    story_id: int,
    notes: str,
    tags: list[str],
    at: datetime,
) -> int | None:
    """Save the story that this one is today, under its lead. Returns as `insert_article` does."""
    row = conn.execute(
        """
        INSERT INTO saved_articles
            (user_id, kind, article_id, story_id, title, url, source, source_name, published_at, notes, tags,
             saved_at, edited_at)
        SELECT %(user)s, 'story', a.id, today.id, a.title, a.url, a.source, a.source_name, a.published_at,
               %(notes)s, %(tags)s, %(at)s, %(at)s
        FROM stories asked
        JOIN stories today ON today.id = coalesce(asked.merged_into, asked.id)
        JOIN articles a ON a.id = today.lead_id
        WHERE asked.id = %(story)s
          AND NOT EXISTS (
              SELECT FROM saved_articles k JOIN stories s ON s.id = k.story_id
              WHERE k.user_id = %(user)s AND k.kind = 'story' AND coalesce(s.merged_into, s.id) = today.id
          )
        ON CONFLICT (user_id, story_id) WHERE kind = 'story' DO NOTHING
        RETURNING id
        """,
        {"user": user_id, "story": story_id, "notes": notes, "tags": tags, "at": at},
    ).fetchone()
    return row[0] if row else None


def of_article(conn: Connection[Any], user_id: int, article_id: int) -> Kept | None:
    with conn.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(
            """
            SELECT id, version, notes, tags FROM saved_articles
            WHERE user_id = %s AND kind = 'article' AND article_id = %s
            """,
            (user_id, article_id),
        ).fetchone()


def of_story(conn: Connection[Any], user_id: int, story_id: int) -> Kept | None:
    """The user's row of the story that this one is today, the oldest when two were saved before they merged."""
    with conn.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(
            """
            SELECT k.id, k.version, k.notes, k.tags
            FROM saved_articles k
            JOIN stories s ON s.id = k.story_id
            JOIN stories asked ON coalesce(asked.merged_into, asked.id) = coalesce(s.merged_into, s.id)
            WHERE asked.id = %s AND k.user_id = %s AND k.kind = 'story' ORDER BY k.id LIMIT 1
            """,
            (story_id, user_id),
        ).fetchone()


def size(conn: Connection[Any], user_id: int, *, besides: int | None = None) -> Size:
    """Of all that a user saved; besides: a row that does not count."""
    with conn.cursor(row_factory=class_row(Size)) as cursor:
        [whole] = cursor.execute(
            """
            SELECT count(*) AS rows, coalesce(sum(char_length(notes)), 0) AS notes FROM saved_articles
            WHERE user_id = %s AND id IS DISTINCT FROM %s
            """,
            (user_id, besides),
        ).fetchall()
        return whole


def edit(
    conn: Connection[Any],
    user_id: int,
    saved_id: int,
    *,
    notes: str | None,
    tags: list[str] | None,
    if_match: int | None,
    at: datetime,
) -> int | None:
    """Returns the new version; None when there is no such row of this user in that version."""
    row = conn.execute(
        """
        UPDATE saved_articles
        SET notes = coalesce(%(notes)s, notes), tags = coalesce(%(tags)s::text[], tags), version = version + 1,
            edited_at = %(at)s
        WHERE id = %(id)s AND user_id = %(user)s AND (%(match)s::int IS NULL OR version = %(match)s)
        RETURNING version
        """,
        {"notes": notes, "tags": tags, "at": at, "id": saved_id, "user": user_id, "match": if_match},
    ).fetchone()
    return row[0] if row else None


def delete(conn: Connection[Any], user_id: int, saved_id: int, if_match: int | None) -> int:
    """Returns how many rows went: 0 when there is no such row of this user in that version."""
    return conn.execute(
        "DELETE FROM saved_articles WHERE id = %s AND user_id = %s AND (%s::int IS NULL OR version = %s)",
        (saved_id, user_id, if_match, if_match),
    ).rowcount


def exists(conn: Connection[Any], user_id: int, saved_id: int) -> bool:
    found = conn.execute("SELECT FROM saved_articles WHERE id = %s AND user_id = %s", (saved_id, user_id))
    return found.fetchone() is not None
