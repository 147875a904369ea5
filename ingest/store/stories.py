"""Stories: what the articles of one event have in common."""

from collections.abc import Collection, Mapping
from typing import Any

from psycopg import Connection

# Any constant; writers that match stories take turns on it.
_MATCHING = 0x6E657773


def take_turns(conn: Connection[Any]) -> None:
    """Wait for the other writers that match; theirs is committed before ours reads. Ends with the transaction."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (_MATCHING,))


def create(conn: Connection[Any], count: int) -> list[int]:
    """New, empty stories; returns their ids, ascending."""
    created = conn.execute(
        "INSERT INTO stories (article_count) SELECT 0 FROM generate_series(1, %s) RETURNING id", (count,)
    )
    return sorted(row[0] for row in created)


def merge(conn: Connection[Any], into: Mapping[int, int]) -> list[int]:
    """Move all articles of each story to another one and leave a redirect; returns the ids of those articles.

    Redirects that led to a story that moves now lead to the final one: a chain is never longer than one step.
    """
    pairs = (list(into.keys()), list(into.values()))
    moved = conn.execute(
        """
        UPDATE articles SET story_id = m.winner
        FROM unnest(%s::bigint[], %s::bigint[]) AS m (loser, winner) WHERE story_id = m.loser
        RETURNING articles.id
        """,
        pairs,
    ).fetchall()
    conn.execute(
        """
        UPDATE stories
        SET merged_into = m.winner, article_count = 0, lead_id = NULL, sources = '{}',
            first_published_at = NULL, last_published_at = NULL
        FROM unnest(%s::bigint[], %s::bigint[]) AS m (loser, winner)
        WHERE stories.id = m.loser OR stories.merged_into = m.loser
        """,
        pairs,
    )
    return [row[0] for row in moved]


def refresh(conn: Connection[Any], ids: Collection[int]) -> list[int]:
    """Recompute lead, count, sources and dates of stories; returns the leads of those that changed.

    The lead is the most complete article, then the earliest, then the first by address.
    """
    changed = conn.execute(
        """
        WITH fresh AS (
            SELECT story_id, count(*) AS article_count, min(published_at) AS first, max(published_at) AS last,
                   (array_agg(id ORDER BY completeness DESC, published_at, page))[1] AS lead_id
            FROM articles WHERE story_id = ANY(%(ids)s) GROUP BY story_id
        ), told AS (
            SELECT story_id, array_agg(DISTINCT teller ORDER BY teller) AS sources
            FROM articles, unnest(sources) AS teller WHERE story_id = ANY(%(ids)s) GROUP BY story_id
        )
        UPDATE stories s
        SET lead_id = f.lead_id, article_count = f.article_count, sources = t.sources,
            first_published_at = f.first, last_published_at = f.last
        FROM fresh f JOIN told t USING (story_id)
        WHERE s.id = f.story_id
          AND (s.lead_id, s.article_count, s.sources, s.first_published_at, s.last_published_at)
              IS DISTINCT FROM (f.lead_id, f.article_count, t.sources, f.first, f.last)
        RETURNING s.lead_id
        """,
        {"ids": list(ids)},
    )
    return [row[0] for row in changed]
