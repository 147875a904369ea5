"""Items as sources yield them - made up or captured - and the ports that the pipeline runs on."""

import contextlib
import gzip
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import redis as redis_client

from ingest import sources
from ingest.article import Outcome, RawItem
from ingest.ports import Ports
from ingest.seal import Seal
from ingest.sources import reddit_post
from ingest.sources.guardian import Guardian
from ingest.sources.newsapi import NewsApi
from shared import db
from shared.clock import utcnow
from shared.config import IngestSettings
from shared.metrics import NullMetrics

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def raw(title: str | None = "Parliament votes for the new harbour law", **fields) -> RawItem:
    """One item of The Guardian's; each has an address of its own unless one is given."""
    number = next(_numbers)
    defaults = {
        "source": "guardian",
        "external_id": f"world/{number}",
        "url": f"https://www.theguardian.com/world/{number}",
        "title": title,
        "source_name": "The Guardian",
        "published_at": "2026-03-01T09:00:00Z",
        "original": f'{{"number": {number}}}'.encode(),
    }
    return RawItem(**defaults | fields)


def from_newsapi(title: str | None, url: str, **fields) -> RawItem:
    """An item of NewsAPI's, which has no id of its own."""
    return raw(
        title,
        **{"source": "newsapi", "external_id": None, "url": url, "source_name": "Example Post"} | fields,
    )


def from_reddit(title: str, url: str, **fields) -> RawItem:
    """A Reddit post that links to a page."""
    name = f"t3_{next(_numbers)}"
    shown_at = f"https://www.reddit.com/r/news/comments/{name}/"
    defaults = {
        "source": "reddit",
        "external_id": name,
        "url": url,
        "shown_at": shown_at,
        "source_name": "r/news",
    }
    return raw(title, **defaults | fields)


@contextlib.contextmanager
def ports(database_url: str, redis_url: str, *, now: datetime | None = NOW, **settings) -> Iterator[Ports]:
    """What `run` needs, on real servers. now: a clock that stands still, or None for the real one."""
    configured = IngestSettings(database_url=database_url, redis_url=redis_url, **settings)
    with db.pool(database_url, 4) as pool, redis_client.Redis.from_url(redis_url) as client:
        yield Ports(
            settings=configured,
            database=pool,
            redis=client,
            sources={},
            identity=sources.identity(configured, client, NullMetrics()),
            posts=sources.posts(configured, client, NullMetrics()),
            seal=Seal(configured.seal_keys),
            metrics=NullMetrics(),
            clock=(lambda: now) if now else utcnow,
        )


def captured(payloads: Path) -> dict[str, list[Outcome]]:
    """All captured items by source, read by the sources' own code."""
    nowhere = IngestSettings(database_url="postgresql://nowhere", redis_url="redis://nowhere")
    newsapi, guardian = NewsApi(nowhere, None, utcnow), Guardian(nowhere, None, utcnow)
    return {
        "newsapi": [newsapi.outcome(line) for line in _lines(payloads / "newsapi-articles.jsonl.gz")],
        "guardian": [guardian.outcome(line) for line in _lines(payloads / "guardian-results.jsonl.gz")],
        "reddit": [
            reddit_post.outcome(json.dumps({"kind": "t3", "data": json.loads(line)}).encode())
            for line in _lines(payloads / "reddit-posts.jsonl.gz")
        ],
    }


def _lines(path: Path) -> list[bytes]:
    with gzip.open(path) as lines:
        return [line.strip() for line in lines]
