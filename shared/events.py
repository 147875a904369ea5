"""What happened, in the past tense: the answers of commands and the state that readers are shown."""

from datetime import datetime

import msgspec


class SourceAsked(msgspec.Struct, frozen=True, kw_only=True):
    """How one source answered when it was last asked for a query.

    outcome: `ok` or the `code` of a shared.errors.SourceError; reason: a sentence when it is not ok;
    new_articles: stored by this pull (not merged into known ones).
    """

    source: str
    asked_at: datetime
    outcome: str
    reason: str | None = None
    new_articles: int = 0


class BudgetLeft(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of the calls that a source may be asked within a window of time."""

    window: str
    limit: int
    left: int
    ends_at: datetime


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a source may be asked at this moment.

    circuit: closed (it is asked), open (it kept failing and is left alone until circuit_until) or half_open (one call
    tries it); circuit_reason: its last failure; told_to_wait_until: what the source itself said.
    """

    source: str
    at: datetime
    configured: bool
    budget: list[BudgetLeft]
    circuit: str
    circuit_reason: str | None = None
    circuit_until: datetime | None = None
    told_to_wait_until: datetime | None = None


class QueryFetched(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.FetchQuery: one entry per source that the product knows."""

    query_key: str
    sources: list[SourceAsked]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Envelope on the answers channel. error: a code of ours when the command failed for good."""

    command_id: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None
