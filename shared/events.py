"""What happened, in the past tense: the answers of commands and the state that readers are shown."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

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


class Refusal(StrEnum):
    """Why a command was not carried out, when that lies with the request: the `error` of its answer. Never retried."""

    INVALID_COMMAND = "invalid_command"  # a value outside its bounds: the sender did not check
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    ACCOUNT_GONE = "account_gone"
    NOT_FOUND = "not_found"
    VERSION_MISMATCH = "version_mismatch"
    ALREADY_SAVED = "already_saved"
    TOO_MANY = "too_many"
    NOTES_FULL = "notes_full"
    BAD_PREFERENCE = "bad_preference"
    ROLE_MISSING = "role_missing"
    KEY_EXISTS = "key_exists"
    CODE_REFUSED = "code_refused"
    ACCOUNT_SUSPENDED = "account_suspended"
    REDDIT_UNAVAILABLE = "reddit_unavailable"
    NOT_CONFIGURED = "not_configured"
    SESSION_ENDED = "session_ended"
    TOO_LARGE = "too_large"
    NOTHING_TO_DO = "nothing_to_do"
    NO_BUDGET = "no_budget"
    IN_THE_FUTURE = "in_the_future"
    WRONG_STATE = "wrong_state"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - an error code


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.ExchangeCode. Who it is stands in the sessions table, under the id that the api gave."""

    session_id: UUID
    expires_at: datetime


class SessionRefreshed(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.RefreshSession."""

    session_id: UUID
    expires_at: datetime


class SessionsEnded(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.EndSession. count: sessions that were open."""

    count: int


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.SaveArticle and EditSaved. created: by this very request (or the one that it repeats)."""

    saved_id: int
    version: int
    created: bool = False


class PreferenceSet(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.SetPreference."""

    version: int
    created: bool = False


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to every removal. count: rows that are gone."""

    count: int


class KeyCreated(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.CreateKey."""

    key_id: int
    prefix: str


class AccountDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.DeleteAccount."""


class SourcePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a backfill takes of one source.

    calls: expected, of words the least that it can be; calls_per_day: what the budgets leave beside live work; days:
    None when they leave nothing.
    """

    source: str
    slices: int
    calls: int
    calls_per_day: int
    days: float | None


class BackfillPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.PlanBackfill.

    days: of the slowest source; at_least: calls and days may be more, for nobody knows how many articles have words
    that no topic pulls; left_out: sentences on what cannot be had.
    """

    sources: list[SourcePlan]
    slices: int
    calls: int
    days: float | None
    left_out: list[str]
    at_least: bool = False


class BackfillChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to whatever changes a backfill."""

    backfill_id: int
    state: str
    created: bool = False


class TopicChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.AddTopic and PauseTopic. changed: False when it was so already."""

    topic_id: int
    changed: bool


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to commands.ReplayQuarantine. settled: understood now; left: not yet."""

    settled: int
    left: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Envelope on the answers channel. error: a code of ours when the command failed for good."""

    command_id: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None
