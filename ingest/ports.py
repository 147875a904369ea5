"""What handlers are given: every door to the outside, by name, so that a test can hand in others."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec
import psycopg
import redis
from psycopg_pool import ConnectionPool

from ingest.article import Outcome
from ingest.identity import Identity
from ingest.seal import Seal
from shared.clock import Clock
from shared.config import IngestSettings
from shared.metrics import Metrics

# What a handler passes on to ingest.store, where the SQL is.
Connection = psycopg.Connection[Any]


class Priority(StrEnum):
    """Who may spend how much of a budget: interactive all of it, cadence and backfill a share."""

    INTERACTIVE = "interactive"
    CADENCE = "cadence"
    BACKFILL = "backfill"


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask of one source.

    kind: query | headlines | section | subreddit (see shared.tables.topics); since/until: publication window (UTC),
    where the source can filter by it. after: the cursor of a Page, to go on from there.
    """

    kind: str
    query: str
    language: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    max_pages: int = 1
    priority: Priority = Priority.CADENCE


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a source: every record with its fate so far. cursor: of the next page; None: there is none."""

    items: list[Outcome]
    cursor: str | None = None


class Source(Protocol):
    """A news source. Composition, no inheritance: see sources/pull.py for the loop that all share."""

    name: str

    def pages(self, pull: Pull) -> Iterator[Page]:
        """Fetch page after page, newest first, until the end or max_pages.

        Raises a shared.errors.SourceError when a page cannot be had; pages already yielded stay valid.
        """
        ...

    def outcome(self, record: bytes) -> Outcome:
        """The fate of one record, as a page's answer held it. Never raises."""
        ...


class Posts(Protocol):
    """What Reddit says about posts that we have."""

    def deleted(self, names: Sequence[str]) -> set[str]:
        """Which of at most 100 posts their authors or Reddit have deleted. Raises a SourceError."""
        ...


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a handler may touch."""

    settings: IngestSettings
    database: ConnectionPool[Connection]
    redis: redis.Redis
    sources: Mapping[str, Source]
    identity: Identity
    posts: Posts
    seal: Seal
    metrics: Metrics
    clock: Clock
