"""Rows of the archive, made as the worker role makes them; every value has a believable default."""

import itertools
from datetime import UTC, datetime, timedelta

import psycopg

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
# For an ApiSettings: a test, and a load generator, asks from one address as all readers together.
UNLIMITED = {"limit_address_burst": 1_000_000_000, "limit_address_hour": 1_000_000_000}
_numbers = itertools.count(1)

_ARTICLE = """
    INSERT INTO articles (source, external_id, url, page, title, description, content, author, source_name, image_url,
        language, published_at, modified_at, fetched_at, story_id, match_method, completeness, digest, sources)
    VALUES (%(source)s, %(external_id)s, %(url)s, %(page)s, %(title)s, %(description)s, %(content)s, %(author)s,
        %(source_name)s, %(image_url)s, %(language)s, %(published_at)s, %(published_at)s, %(fetched_at)s,
        %(story_id)s, 'first', %(completeness)s, 0, %(sources)s)
    RETURNING id
"""
_SIGHTING = """
    INSERT INTO sightings (source, external_id, article_id, url, source_name, published_at, fetched_at)
    VALUES (%(source)s, %(external_id)s, %(article_id)s, %(url)s, %(source_name)s, %(published_at)s,
        %(published_at)s)
"""
_SENTIMENT = """
    INSERT INTO article_sentiments (article_id, polarity, subjectivity, label, confidence, text_length, method,
        method_version, reason, analyzed_at)
    VALUES (%(article_id)s, %(polarity)s, %(subjectivity)s, %(label)s, %(confidence)s, 100, 'textblob', '1',
        %(reason)s, now())
"""
_TONE = "UPDATE articles SET polarity = %(polarity)s, label = %(label)s WHERE id = %(article_id)s"
_FETCH = """
    INSERT INTO fetches (id, source, topic_id, query, outcome, reason, stored, fetched, newest_published_at,
        started_at, finished_at)
    VALUES (%(id)s, %(source)s, %(topic_id)s, %(query)s, %(outcome)s, %(reason)s, %(stored)s, %(stored)s,
        %(newest_published_at)s, %(started_at)s, %(finished_at)s)
"""


class Archive:
    """Writes through one connection of the worker role, in autocommit."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def story(self) -> int:
        return self._one("INSERT INTO stories DEFAULT VALUES RETURNING id", {})

    def article(
        self,
        title: str = "A title",
        *,
        lead: bool = False,
        tone: str | None = "neutral",
        polarity: float | None = None,
        **fields,
    ) -> int:
        """An article with its own sighting, its sentiment (tone None: no sentiment row) and, if not given, a story."""
        number = next(_numbers)
        row = {
            "source": "guardian",
            "external_id": f"x{number}",
            "url": f"https://news.example/{number}",
            "page": f"news.example/{number}",
            "title": title,
            "description": None,
            "content": None,
            "author": None,
            "source_name": "The Guardian",
            "image_url": None,
            "language": "en",
            "published_at": NOW,
            "fetched_at": NOW,
            "completeness": 50,
            "story_id": fields.get("story_id") or self.story(),
        } | fields
        row.setdefault("sources", [row["source"]])
        article_id = self._one(_ARTICLE, row)
        self._connection.execute(_SIGHTING, row | {"article_id": article_id})
        if tone:
            self.sentiment(article_id, tone, polarity)
        if lead:
            self._connection.execute(
                "UPDATE stories SET lead_id = %s WHERE id = %s", (article_id, row["story_id"])
            )
        return article_id

    def sentiment(self, article_id: int, tone: str, polarity: float | None = None) -> None:
        """tone: positive, neutral or negative, or a reason why there is none."""
        usual = {"positive": 0.5, "neutral": 0.0, "negative": -0.5}
        known = tone in usual
        row = {
            "article_id": article_id,
            "polarity": usual.get(tone) if polarity is None or not known else polarity,
            "subjectivity": 0.25 if known else None,
            "label": tone if known else None,
            "confidence": 0.75 if known else None,
            "reason": None if known else tone,
        }
        self._connection.execute(_SENTIMENT, row)
        self._connection.execute(_TONE, row)

    def sighting(self, article_id: int, source: str, url: str, source_name: str = "r/news") -> None:
        """Another source's item about the same page."""
        row = {
            "source": source,
            "external_id": f"s{next(_numbers)}",
            "article_id": article_id,
            "url": url,
            "source_name": source_name,
            "published_at": NOW,
        }
        self._connection.execute(_SIGHTING, row)
        self._connection.execute(
            "UPDATE articles SET sources = array_append(sources, %s) WHERE id = %s", (source, article_id)
        )

    def fetch(
        self, source: str, *, ago: timedelta = timedelta(minutes=1), outcome: str = "ok", **fields
    ) -> str:
        at = fields.pop("now", None) or datetime.now(UTC)
        row = {
            "id": f"f{next(_numbers)}",
            "source": source,
            "topic_id": None,
            "query": None,
            "outcome": outcome,
            "reason": None,
            "stored": 1,
            "newest_published_at": None,
            "started_at": at - ago,
            "finished_at": at - ago,
        } | fields
        self._connection.execute(_FETCH, row)
        return row["id"]

    def _one(self, statement: str, row: dict) -> int:
        found = self._connection.execute(statement, row).fetchone()
        assert found is not None
        return found[0]
