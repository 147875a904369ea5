"""Articles: one row per page on the web."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from ingest.article import ScoredArticle
from ingest.store.rows import rows


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive has of a page: enough to tell whether a version is better."""

    id: int
    page: str
    story_id: int
    completeness: int
    modified_at: datetime
    digest: int
    published_at: datetime
    sources: list[str]


class New(msgspec.Struct, frozen=True, kw_only=True):
    """A page that the archive does not have; the version is its best one."""

    version: ScoredArticle
    page: str
    story_id: int
    match_method: str  # first | title
    match_score: float | None
    published_at: datetime
    sources: list[str]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a sighting changes of a known page; version None: the stored one stays."""

    id: int
    version: ScoredArticle | None
    published_at: datetime
    sources: list[str]


# A version's columns, as both statements below read them from JSON. `source` and `external_id` name its sighting.
_VERSION = (
    "source text, external_id text, url text, title text, description text, content text, author text, "
    "source_name text, image_url text, language text, modified_at timestamptz, completeness smallint, digest bigint, "
    "polarity real, label text"
)
_OF_ARTICLE = (
    "source, external_id, url, title, description, content, author, source_name, image_url, language, modified_at, "
    "completeness, digest"
)
_OF_SENTIMENT = "polarity, label"
_COLUMNS = f"{_OF_ARTICLE}, {_OF_SENTIMENT}"


def known(conn: Connection[Any], pages: Collection[str], ids: Collection[int]) -> list[Known]:
    """The rows of these pages and ids."""
    with conn.cursor(row_factory=class_row(Known)) as cursor:
        return cursor.execute(
            """
            SELECT id, page, story_id, completeness, modified_at, digest, published_at, sources
            FROM articles WHERE page = ANY(%s)
            UNION
            SELECT id, page, story_id, completeness, modified_at, digest, published_at, sources
            FROM articles WHERE id = ANY(%s)
            """,
            (list(pages), list(ids)),
        ).fetchall()


def insert(conn: Connection[Any], new: Iterable[New], at: datetime) -> dict[str, int]:
    """Store new pages; returns their ids by page."""
    found = conn.execute(
        f"""
        INSERT INTO articles
            ({_COLUMNS}, page, story_id, match_method, match_score, published_at, sources, fetched_at)
        SELECT {_COLUMNS}, page, story_id, match_method, match_score, published_at,
               ARRAY(SELECT json_array_elements_text(sources)), %s
        FROM json_to_recordset(%s) AS r (
            {_VERSION}, page text, story_id bigint, match_method text, match_score real, published_at timestamptz,
            sources json
        )
        RETURNING page, id
        """,  # noqa: S608 - the columns are constants
        (at, rows({**_fields(n.version), **_rest(n)} for n in new)),
    )
    return dict(found.fetchall())


def improve(conn: Connection[Any], changes: Iterable[Change]) -> None:
    """Put better versions in the place of the stored ones."""
    conn.execute(
        f"""
        UPDATE articles SET ({_COLUMNS}, published_at, sources) = (
            {", ".join(f"r.{column}" for column in _COLUMNS.split(", "))}, r.published_at,
            ARRAY(SELECT json_array_elements_text(r.sources))
        )
        FROM json_to_recordset(%s) AS r ({_VERSION}, id bigint, published_at timestamptz, sources json)
        WHERE articles.id = r.id
        """,  # noqa: S608 - the columns are constants
        (rows({**_fields(c.version), **_rest(c)} for c in changes if c.version),),
    )


def widen(conn: Connection[Any], changes: Iterable[Change]) -> None:
    """Note an earlier date and more sources; the search vector is not made again."""
    conn.execute(
        """
        UPDATE articles
        SET published_at = r.published_at, sources = ARRAY(SELECT json_array_elements_text(r.sources))
        FROM json_to_recordset(%s) AS r (id bigint, published_at timestamptz, sources json)
        WHERE articles.id = r.id
        """,
        (rows(_rest(c) for c in changes),),
    )


def stories_of(conn: Connection[Any], ids: Collection[int]) -> list[int]:
    """The stories that these articles belong to, and those that were merged into them."""
    found = conn.execute(
        """
        WITH told AS (SELECT DISTINCT story_id AS id FROM articles WHERE id = ANY(%s))
        SELECT id FROM told UNION SELECT s.id FROM stories s JOIN told ON s.merged_into = told.id
        """,
        (list(ids),),
    )
    return [row[0] for row in found]


def _fields(version: ScoredArticle) -> dict[str, Any]:
    return {
        **{column: getattr(version.article, column) for column in _OF_ARTICLE.split(", ")},
        **{column: getattr(version.sentiment, column) for column in _OF_SENTIMENT.split(", ")},
    }


def _rest(row: New | Change) -> dict[str, Any]:
    return {field: getattr(row, field) for field in row.__struct_fields__ if field != "version"}
