"""Sightings: one row per item of an upstream."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from ingest.store.rows import rows

Identity = tuple[str, str]  # source, external_id


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when an upstream shows an article."""

    source: str
    external_id: str
    article_id: int
    url: str
    source_name: str
    published_at: datetime

    @property
    def identity(self) -> Identity:
        return self.source, self.external_id


def known(conn: Connection[Any], identities: Collection[Identity]) -> list[Sighting]:
    """The rows of these items."""
    with conn.cursor(row_factory=class_row(Sighting)) as cursor:
        return cursor.execute(
            """
            SELECT source, external_id, article_id, url, source_name, published_at
            FROM sightings JOIN unnest(%s::text[], %s::text[]) AS i (source, external_id)
            USING (source, external_id)
            """,
            ([source for source, _ in identities], [external_id for _, external_id in identities]),
        ).fetchall()


def upsert(conn: Connection[Any], sightings: Iterable[Sighting], at: datetime) -> None:
    """Store what is new about these items. `fetched_at` is when we first saw them."""
    conn.execute(
        """
        INSERT INTO sightings (source, external_id, article_id, url, source_name, published_at, fetched_at)
        SELECT source, external_id, article_id, url, source_name, published_at, %s
        FROM json_to_recordset(%s) AS r (
            source text, external_id text, article_id bigint, url text, source_name text, published_at timestamptz
        )
        ON CONFLICT (source, external_id) DO UPDATE
        SET (url, source_name, published_at) = (excluded.url, excluded.source_name, excluded.published_at)
        """,
        (at, rows(sightings)),
    )
