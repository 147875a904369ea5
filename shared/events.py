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


class QueryFetched(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.FetchQuery: one entry per source that the product knows."""

    query_key: str
    sources: list[SourceAsked]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Envelope on the answers channel. error: a code of ours when the command failed for good."""

    command_id: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None
