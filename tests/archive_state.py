"""What an archive says, without what depends on the order of arrival (ids, fetch times, how a match was found)."""

from typing import Any

import psycopg

_ARTICLES = """
    SELECT page, source, external_id, url, title, description, content, author, source_name, image_url, language,
           published_at, modified_at, completeness, digest, sources
    FROM articles ORDER BY page
"""
_STORIES = """
    SELECT array_agg(a.page ORDER BY a.page), lead.page, s.article_count, s.sources, s.first_published_at,
           s.last_published_at
    FROM stories s JOIN articles a ON a.story_id = s.id LEFT JOIN articles lead ON lead.id = s.lead_id
    WHERE s.merged_into IS NULL GROUP BY s.id, lead.page ORDER BY 1
"""
_SIGHTINGS = """
    SELECT s.source, s.external_id, a.page, s.url, s.source_name, s.published_at
    FROM sightings s JOIN articles a ON a.id = s.article_id ORDER BY 1, 2
"""
_TITLES = """
    SELECT a.page, t.title_key, t.numbers, t.published_at, array_agg(w.word ORDER BY w.word)
    FROM titles t JOIN articles a ON a.id = t.article_id LEFT JOIN title_words w ON w.title_id = t.id
    GROUP BY t.id, a.page ORDER BY 1, 2, 3, 4
"""
_SENTIMENTS = """
    SELECT a.page, s.polarity, subjectivity, s.label, confidence, text_length, method, reason
    FROM article_sentiments s JOIN articles a ON a.id = article_id ORDER BY 1
"""
_QUARANTINE = "SELECT source, digest, reason FROM quarantine ORDER BY 1, 2"
_QUERIES = {
    "articles": _ARTICLES,
    "stories": _STORIES,
    "sightings": _SIGHTINGS,
    "titles": _TITLES,
    "sentiments": _SENTIMENTS,
    "quarantine": _QUARANTINE,
}
_TABLES = "stories articles sightings titles title_words article_sentiments quarantine"


def archive_state(url: str) -> dict[str, list[Any]]:
    """Equal for two archives that a reader cannot tell apart."""
    with psycopg.connect(url) as conn:
        return {name: conn.execute(query).fetchall() for name, query in _QUERIES.items()}


def row_versions(url: str) -> dict[str, list[Any]]:
    """Changes with every write, even one that writes what was there."""
    with psycopg.connect(url) as conn:
        return {
            table: conn.execute(
                f"SELECT ctid::text, xmin::text, xmax::text FROM {table} ORDER BY ctid"
            ).fetchall()
            for table in _TABLES.split()
        }


def inconsistencies(url: str) -> list[Any]:
    """What must never be: wrong story sums, chains of redirects, articles without story, sighting or sentiment."""
    with psycopg.connect(url) as conn:
        return conn.execute(
            """
            SELECT 'count', id FROM stories s
                WHERE article_count <> (SELECT count(*) FROM articles WHERE story_id = s.id)
            UNION ALL SELECT 'empty', id FROM stories WHERE merged_into IS NULL AND article_count = 0
            UNION ALL SELECT 'chain', s.id FROM stories s JOIN stories t ON t.id = s.merged_into
                WHERE t.merged_into IS NOT NULL OR t.id >= s.id
            UNION ALL SELECT 'redirected', a.id FROM articles a JOIN stories s ON s.id = a.story_id
                WHERE s.merged_into IS NOT NULL
            UNION ALL SELECT 'unsighted', id FROM articles a
                WHERE NOT EXISTS (SELECT FROM sightings WHERE article_id = a.id)
            UNION ALL SELECT 'identity', id FROM articles a WHERE NOT EXISTS (
                SELECT FROM sightings s
                WHERE article_id = a.id AND (s.source, s.external_id) = (a.source, a.external_id))
            UNION ALL SELECT 'unscored', id FROM articles a
                WHERE NOT EXISTS (SELECT FROM article_sentiments WHERE article_id = a.id)
            UNION ALL SELECT 'tone', a.id FROM articles a JOIN article_sentiments s ON s.article_id = a.id
                WHERE (a.polarity, a.label) IS DISTINCT FROM (s.polarity, s.label)
            UNION ALL SELECT 'untitled', id FROM articles a
                WHERE NOT EXISTS (SELECT FROM titles WHERE article_id = a.id)
            """
        ).fetchall()
