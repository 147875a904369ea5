"""What `api`, the scheduler and operators can ask of `ingest`: imperative, frozen, small, safe to repeat."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec


class Queue(StrEnum):
    """Interactive work is never behind bulk work: each has workers of its own."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base: the struct's tag is the Dramatiq actor's name."""


class FetchQuery(Command, frozen=True, kw_only=True):
    """Ask every source for what a reader searches and did not find fresh in the archive.

    query: as the reader typed it, white space folded; query_key: shared.query_key of it; language: ISO 639-1.
    Answered with shared.events.QueryFetched as soon as the newest articles are searchable.
    """

    query: str
    query_key: str
    language: str | None = None


class FetchTopic(Command, frozen=True, kw_only=True):
    """Pull one topic of the cadence. Not answered; the `fetches` table tells how it went."""

    topic_id: int


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """One search that somebody made. id: given by the api; user_id: None when nobody was signed in."""

    id: UUID
    query: str
    results_count: int
    searched_at: datetime
    user_id: int | None = None


class RecordSearches(Command, frozen=True, kw_only=True):
    """Remember what was searched, for history and trends. Many in one command; not answered."""

    searches: list[Searched]


QUEUES: Final[dict[type[Command], Queue]] = {
    FetchQuery: Queue.INTERACTIVE,
    FetchTopic: Queue.BULK,
    RecordSearches: Queue.BULK,
}
