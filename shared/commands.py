"""What `api`, the scheduler and operators can ask of `ingest`: imperative, frozen, small, safe to repeat."""

from enum import StrEnum
from typing import Final

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


QUEUES: Final[dict[type[Command], Queue]] = {
    FetchQuery: Queue.INTERACTIVE,
    FetchTopic: Queue.BULK,
}
