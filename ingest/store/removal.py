"""Taking articles and posts out of the archive, so that stories still tell the truth afterwards."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from ingest.store import stories


class Trimmed(NamedTuple):
    """An article that stays, without one of its posts: of its titles only its own may stay."""

    article_id: int
    title: str


def past(conn: Connection[Any], before: datetime, count: int) -> list[int]:
    """Articles published before, the oldest first; those that somebody saved, or whose story, are kept."""
    found = conn.execute(
        """
        SELECT id FROM articles a WHERE published_at < %s
          AND NOT EXISTS (SELECT FROM saved_articles s WHERE s.article_id = a.id)
          AND NOT EXISTS (
              SELECT FROM saved_articles s JOIN stories k ON k.id = s.story_id
              WHERE s.kind = 'story' AND coalesce(k.merged_into, k.id) = a.story_id
          )
        ORDER BY published_at, id LIMIT %s
        """,
        (before, count),
    )
    return [row[0] for row in found]


def remove_articles(conn: Connection[Any], ids: Collection[int]) -> int:
    """With all that belongs to them, in a transaction. Returns how many were there."""
    stories.take_turns(conn)
    rows = conn.execute("DELETE FROM articles WHERE id = ANY(%s) RETURNING story_id", (list(ids),)).fetchall()
    _tidy_stories(conn, {row[0] for row in rows})
    return len(rows)


def posts_after(conn: Connection[Any], sighting_id: int, count: int) -> list[tuple[int, str]]:
    """The next Reddit posts: sighting and fullname."""
    found = conn.execute(
        "SELECT id, external_id FROM sightings WHERE source = 'reddit' AND id > %s ORDER BY id LIMIT %s",
        (sighting_id, count),
    )
    return [(row[0], row[1]) for row in found]


def remove_posts(conn: Connection[Any], names: Collection[str]) -> list[Trimmed]:
    """Everything of these Reddit posts, in a transaction: what they said, wherever it was copied to.

    An article that shows what the post said goes; one that other sources told us about and that shows their words
    stays without the post, and is returned.
    """
    stories.take_turns(conn)
    listed = list(names)
    doomed = [
        row[0]
        for row in conn.execute(
            "SELECT id FROM articles WHERE source = 'reddit' AND external_id = ANY(%s)", (listed,)
        )
    ]
    _blank_saved(conn, doomed)
    conn.execute(
        """
        DELETE FROM quarantine USING unnest(%s::text[]) AS name
        WHERE source = 'reddit' AND position(convert_to('"' || name || '"', 'UTF8') IN original) > 0
        """,
        (listed,),
    )
    remove_articles(conn, doomed)
    touched = [
        row[0]
        for row in conn.execute(
            "DELETE FROM sightings WHERE source = 'reddit' AND external_id = ANY(%s) RETURNING article_id",
            (listed,),
        )
    ]
    trimmed = conn.execute(
        """
        UPDATE articles a
        SET sources = (SELECT array_agg(DISTINCT source ORDER BY source) FROM sightings WHERE article_id = a.id)
        WHERE id = ANY(%s) RETURNING id, title, story_id
        """,
        (touched,),
    ).fetchall()
    _renew_saved(conn, touched)
    _tidy_stories(conn, {row[2] for row in trimmed})
    return [Trimmed(row[0], row[1]) for row in trimmed]


def keep_title(conn: Connection[Any], article_id: int, title_key: str) -> None:
    """Of the titles under which an article was sighted only this one stays."""
    conn.execute("DELETE FROM titles WHERE article_id = %s AND title_key <> %s", (article_id, title_key))


def _blank_saved(conn: Connection[Any], article_ids: Collection[int]) -> None:
    """A saved copy keeps the reader's own notes and nothing of the post."""
    conn.execute(
        """
        UPDATE saved_articles s SET title = '[deleted]', url = '', version = version + 1
        FROM articles a
        WHERE a.id = ANY(%s) AND s.source = 'reddit'
          AND (s.article_id = a.id OR (s.story_id = a.story_id AND s.url = a.url))
        """,
        (list(article_ids),),
    )


def _renew_saved(conn: Connection[Any], article_ids: Collection[int]) -> None:
    """What was saved when only Reddit had told us about it says what the article says today."""
    conn.execute(
        """
        UPDATE saved_articles s
        SET title = a.title, url = a.url, source = a.source, source_name = a.source_name, version = version + 1
        FROM articles a WHERE a.id = ANY(%s) AND s.article_id = a.id AND s.source = 'reddit'
        """,
        (list(article_ids),),
    )


def _tidy_stories(conn: Connection[Any], ids: Collection[int]) -> None:
    """Stories say what is left of them; those of which nothing is left go, with what redirects to them."""
    if not ids:
        return
    stories.refresh(conn, ids)
    empty = [
        row[0]
        for row in conn.execute(
            """
            SELECT id FROM stories s
            WHERE id = ANY(%s) AND NOT EXISTS (SELECT FROM articles WHERE story_id = s.id)
            """,
            (list(ids),),
        )
    ]
    conn.execute("DELETE FROM stories WHERE merged_into = ANY(%s)", (empty,))
    conn.execute("DELETE FROM stories WHERE id = ANY(%s)", (empty,))
