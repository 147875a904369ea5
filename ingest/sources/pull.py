"""The one loop over the pages of a source. A source answers four questions, see Questions."""

from collections.abc import Iterator
from typing import Protocol

import msgspec
import redis

from ingest.article import Outcome
from ingest.ports import Page, Priority, Pull
from ingest.sources.http import Request
from ingest.sources.refusal import Refusal
from shared.errors import DependencyError, KeyRefusedError


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One decoded envelope: its records as sent, and what the next request needs to know."""

    records: list[msgspec.Raw]
    cursor: str | None = None  # where the next page starts, when the source pages by position
    total: int | None = None


class Questions(Protocol):
    """What only the source itself knows."""

    name: str

    def first(self, pull: Pull) -> Request:
        """The first page's request. Raises NotConfiguredError or QueryRejectedError; makes no call."""
        ...

    def fetch(self, request: Request, priority: Priority) -> Batch:
        """Get one page. Raises a SourceError."""
        ...

    def following(self, pull: Pull, batch: Batch, *, number: int) -> Request | None:
        """The request after page `number` (from 1), or None at the end."""
        ...

    def outcome(self, record: bytes) -> Outcome:
        """The fate of one record. Never raises."""
        ...


class PulledSource:
    """ingest.ports.Source over the four answers."""

    def __init__(self, questions: Questions, refusal: Refusal) -> None:
        self.name = questions.name
        self._questions = questions
        self._refusal = refusal

    def pages(self, pull: Pull) -> Iterator[Page]:
        """See ingest.ports.Source. Makes its first call when the first page is asked for.

        Raises DependencyError when Redis is away, because no call is made without the ledger.
        """
        request = self._questions.first(pull)
        # A reader waits: one page is all that one search may cost.
        last = 1 if pull.priority is Priority.INTERACTIVE else pull.max_pages
        for number in range(1, last + 1):
            batch = self._fetch(request, pull.priority)
            following = self._questions.following(pull, batch, number=number)
            if following == request:  # the same question again has the same answer
                following = None
            yield Page(
                items=[self._questions.outcome(record) for record in batch.records],
                cursor=batch.cursor if following else None,
            )
            if following is None:
                return
            request = following

    def outcome(self, record: bytes) -> Outcome:
        """See ingest.ports.Source."""
        return self._questions.outcome(record)

    def _fetch(self, request: Request, priority: Priority) -> Batch:
        try:
            self._refusal.check()
            return self._questions.fetch(request, priority)
        except KeyRefusedError as error:
            self._refusal.remember(error)
            raise
        except redis.RedisError as error:
            raise DependencyError(f"{self.name}: not asked, the ledger in Redis is away: {error}") from error
