"""What `api`, the scheduler and operators can ask of `ingest`: imperative, frozen, small, safe to repeat."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from shared.sources import SourceName

# What a request's body may hold; the api decodes with these types, so that a wrong one is a 400 before it is sent.
# PostgreSQL stores no NUL.
Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Version = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Notes = Annotated[str, Meta(max_length=10_000, pattern=r"^[^\x00]*\Z")]
Tag = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f]*\Z")]
Tags = Annotated[list[Tag], Meta(max_length=20)]
KeyName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*\Z")]
# read: the archive; me:read and me:write: what is under /me; operate: what operators do (operators only).
Scope = Literal["read", "me:read", "me:write", "operate"]
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=4)]
IdempotencyKey = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[\x20-\x7e]*\Z")]
# A secret never travels: only its SHA-256 in hex, of at least 256 random bits.
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Device = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f]*\Z")]


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


# Sessions -------------------------------------------------------------------------------------------------------------


class ExchangeCode(Command, frozen=True, kw_only=True):
    """Sign in: redeem Reddit's code, store the user, begin a session.

    session_id: new, random, made by the api, which thereby knows what to read when the answer comes; refresh_hash: of
    the session's first refresh token; address_hash: of the caller's address, for the audit log. The code travels in
    plain: it is good once, for ten minutes, and only together with the client secret that `ingest` has.
    Answered with events.SignedIn, or refused: code_refused, account_suspended, reddit_unavailable, not_configured.
    """

    code: Annotated[str, Meta(min_length=1, max_length=2000)]
    redirect_uri: Annotated[str, Meta(min_length=1, max_length=2000)]
    session_id: UUID
    refresh_hash: Hash
    device: Device = ""
    address_hash: str | None = None
    request_id: str | None = None


class RefreshSession(Command, frozen=True, kw_only=True):
    """Exchange a refresh token (presented_hash) for the next one (new_hash).

    Answered with events.SessionRefreshed, or refused: session_ended (ended, expired, unknown token), token_reused (it
    was used before: the session is ended now). Requests that present one token at the same moment must bring the same
    new_hash - derive the next token from the presented one under a secret of the api - and then share the answer for
    half a minute.
    """

    session_id: UUID
    presented_hash: Hash
    new_hash: Hash
    request_id: str | None = None


# Writes of a user -----------------------------------------------------------------------------------------------------


class Write(Command, frozen=True, kw_only=True):
    """Base of what a user changes: carried out once per (user_id, idempotency_key), always with the same answer.

    A request that has no key of its own gets a random one. Any of them may be refused: idempotency_mismatch (the key
    was used for another request), account_gone.
    """

    # Fields that do not make a repeated request another one.
    incidental: ClassVar[frozenset[str]] = frozenset({"idempotency_key", "request_id"})

    user_id: Id
    idempotency_key: IdempotencyKey
    request_id: str | None = None


class EndSession(Write, frozen=True, kw_only=True):
    """Sign out. everywhere: all sessions of the user, and Reddit's tokens are revoked.

    Answered with events.SessionsEnded, or refused: not_found (not this user's session).
    """

    session_id: UUID | None = None  # None only with everywhere
    everywhere: bool = False

    def __post_init__(self) -> None:
        if self.session_id is None and not self.everywhere:
            raise ValueError("which session?")


class SaveArticle(Write, frozen=True, kw_only=True):
    """Keep an article or a story (one of the two). What is saved already stays as it is.

    Answered with events.Saved, or refused: not_found, already_saved (with other notes or tags: edit it instead),
    too_many, notes_full.
    """

    article_id: Id | None = None
    story_id: Id | None = None
    notes: Notes = ""
    tags: Tags = []

    def __post_init__(self) -> None:
        if (self.article_id is None) == (self.story_id is None):
            raise ValueError("either an article or a story")


class EditSaved(Write, frozen=True, kw_only=True):
    """Change notes or tags (None: stay). if_match: the version that the user saw; None: whatever it is.

    Answered with events.Saved, or refused: not_found, version_mismatch, notes_full.
    """

    saved_id: Id
    notes: Notes | None = None
    tags: Tags | None = None
    if_match: Version | None = None


class RemoveSaved(Write, frozen=True, kw_only=True):
    """Answered with events.Removed, or refused: not_found, version_mismatch."""

    saved_id: Id
    if_match: Version | None = None


class SetPreference(Write, frozen=True, kw_only=True):
    """Check with shared.preferences.check before sending. Answered with events.PreferenceSet, or refused:

    version_mismatch, not_found (if_match for a preference that is not set), bad_preference.
    """

    key: str
    value: Any
    if_match: Version | None = None


class RemovePreference(Write, frozen=True, kw_only=True):
    """Back to the default. Answered with events.Removed, or refused: not_found, version_mismatch."""

    key: str
    if_match: Version | None = None


class DeleteSearches(Write, frozen=True, kw_only=True):
    """Forget one search of the history, or all (None). Answered with events.Removed, or refused: not_found."""

    search_id: UUID | None = None


class CreateKey(Write, frozen=True, kw_only=True):
    """The api makes the key, shows it once and sends its hash and its readable beginning.

    Answered with events.KeyCreated, or refused: too_many, role_missing (scope operate), key_exists. A repeated request
    is answered with the first one's prefix: derive the key from the idempotency key under a secret of the api, or show
    it only when the prefixes are equal.
    """

    incidental: ClassVar[frozenset[str]] = Write.incidental | {"prefix", "key_hash"}

    name: KeyName
    scopes: Scopes
    prefix: Annotated[str, Meta(min_length=4, max_length=24)]
    key_hash: Hash
    expires_at: datetime | None = None


class RevokeKey(Write, frozen=True, kw_only=True):
    """Answered with events.Removed, or refused: not_found (also when it is revoked already)."""

    key_id: Id


class DeleteAccount(Write, frozen=True, kw_only=True):
    """Everything of the user goes; Reddit is told to end the tokens. Answered with events.AccountDeleted, always."""


class KeyUsed(msgspec.Struct, frozen=True, kw_only=True):
    """When a key was last used."""

    key_id: int
    at: datetime


class TouchKeys(Command, frozen=True, kw_only=True):
    """Note the last use of keys, many in one command; not answered."""

    uses: list[KeyUsed]


class TidyPeople(Command, frozen=True, kw_only=True):
    """Tell Reddit again to end tokens, and drop what is past its time (answers, sessions). Not answered."""


# Operators ------------------------------------------------------------------------------------------------------------

Words = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*\Z")]
Moment = Annotated[datetime, Meta(tz=True)]
Who = Annotated[str, Meta(min_length=1, max_length=100)]


class PlanBackfill(Command, frozen=True, kw_only=True):
    """What filling in [since, until) would take; nothing is started.

    query: words for every source; without it the topics of these sources; gaps: only where a topic has no successful
    fetch. sources: in whatever order and however often, it is the same request. Answered with events.BackfillPlan, or
    refused: too_large, in_the_future.
    """

    sources: Annotated[list[SourceName], Meta(min_length=1)]
    since: Moment
    until: Moment
    query: Words | None = None
    gaps: bool = False

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise ValueError("since is not before until")
        if self.gaps and self.query is not None:
            raise ValueError("gaps are those of topics, not of a query")
        if self.query is not None and not self.query.strip():
            raise ValueError("a query needs words")
        msgspec.structs.force_setattr(self, "sources", sorted(set(self.sources)))


class StartBackfill(PlanBackfill, frozen=True, kw_only=True):
    """Plan it and begin, without the sources of which the cadence needs all calls. A repeated key starts nothing twice.

    Answered with events.BackfillChanged, or refused: too_large, in_the_future, nothing_to_do, no_budget (no source is
    left), idempotency_mismatch.
    """

    key: IdempotencyKey
    requested_by: Who


class ChangeBackfill(Command, frozen=True, kw_only=True):
    """Base. Answered with events.BackfillChanged, or refused: not_found, wrong_state. What is so already stays so."""

    backfill_id: Id
    requested_by: Who


class PauseBackfill(ChangeBackfill, frozen=True, kw_only=True):
    """No further page is fetched until it is resumed."""


class ResumeBackfill(ChangeBackfill, frozen=True, kw_only=True):
    """Go on after a pause; after a failure, with the slices that failed."""


class CancelBackfill(ChangeBackfill, frozen=True, kw_only=True):
    """Give up what is not done; what was stored stays."""


class RunSlice(Command, frozen=True, kw_only=True):
    """Bring the next slice of a source forward by one page, unless somebody is at it. Not answered."""

    source: str


# What a source can be asked for; see shared.tables.topics.
KINDS: Final = {
    "newsapi": ("headlines", "query"),
    "guardian": ("section", "query"),
    "reddit": ("subreddit", "query"),
}

_SUBREDDITS: Final = re.compile(r"\w{2,21}(\+\w{2,21})*", re.ASCII)


class AddTopic(Command, frozen=True, kw_only=True):
    """Pull something more on a cadence. Answered with events.TopicChanged; what is there already stays as it is."""

    source: SourceName
    kind: Literal["headlines", "query", "section", "subreddit"]
    query: Annotated[str, Meta(max_length=500, pattern=r"^[^\x00-\x1f]*\Z")]
    cadence_seconds: Annotated[int, Meta(ge=60, le=604_800)]
    max_pages: Annotated[int, Meta(ge=1, le=100)] = 1
    requested_by: Who

    def __post_init__(self) -> None:
        if self.kind not in KINDS[self.source]:
            raise ValueError(f"{self.source} has {' and '.join(KINDS[self.source])}, not {self.kind}")
        if not self.query.strip() and self.kind in {"query", "subreddit"}:
            raise ValueError(f"a {self.kind} needs words")
        if self.kind == "subreddit" and not _SUBREDDITS.fullmatch(self.query.strip()):
            raise ValueError("subreddits are names without r/, joined by +")


class PauseTopic(Command, frozen=True, kw_only=True):
    """Pull it no more, or (paused: False) again. Answered with events.TopicChanged, or refused: not_found."""

    topic_id: Id
    paused: bool = True
    requested_by: Who


class ReplayQuarantine(Command, frozen=True, kw_only=True):
    """Try again to understand these items. Answered with events.Replayed."""

    ids: Annotated[list[Id], Meta(min_length=1, max_length=1_000)]
    requested_by: Who


class DropQuarantine(Command, frozen=True, kw_only=True):
    """Forget these items. Answered with events.Removed."""

    ids: Annotated[list[Id], Meta(min_length=1, max_length=1_000)]
    requested_by: Who


class RescoreSentiment(Command, frozen=True, kw_only=True):
    """Score what an older method has scored; sends itself again until nothing is left. Not answered."""


class ApplyRetention(Command, frozen=True, kw_only=True):
    """Drop what is past its time, and begin to ask Reddit which posts were deleted. Not answered."""


class RecheckReddit(Command, frozen=True, kw_only=True):
    """Purge what was deleted on Reddit among the next hundred posts (by sighting), then go on. Not answered.

    until: a Reddit that is away is asked again until then; None: it is not.
    """

    after_id: Annotated[int, Meta(ge=0)] = 0
    until: datetime | None = None


QUEUES: Final[dict[type[Command], Queue]] = {
    FetchQuery: Queue.INTERACTIVE,
    FetchTopic: Queue.BULK,
    RecordSearches: Queue.BULK,
    ExchangeCode: Queue.INTERACTIVE,
    RefreshSession: Queue.INTERACTIVE,
    EndSession: Queue.INTERACTIVE,
    SaveArticle: Queue.INTERACTIVE,
    EditSaved: Queue.INTERACTIVE,
    RemoveSaved: Queue.INTERACTIVE,
    SetPreference: Queue.INTERACTIVE,
    RemovePreference: Queue.INTERACTIVE,
    DeleteSearches: Queue.INTERACTIVE,
    CreateKey: Queue.INTERACTIVE,
    RevokeKey: Queue.INTERACTIVE,
    DeleteAccount: Queue.INTERACTIVE,
    TouchKeys: Queue.BULK,
    TidyPeople: Queue.BULK,
    PlanBackfill: Queue.INTERACTIVE,
    StartBackfill: Queue.INTERACTIVE,
    PauseBackfill: Queue.INTERACTIVE,
    ResumeBackfill: Queue.INTERACTIVE,
    CancelBackfill: Queue.INTERACTIVE,
    RunSlice: Queue.BULK,
    AddTopic: Queue.INTERACTIVE,
    PauseTopic: Queue.INTERACTIVE,
    ReplayQuarantine: Queue.INTERACTIVE,
    DropQuarantine: Queue.INTERACTIVE,
    RescoreSentiment: Queue.BULK,
    ApplyRetention: Queue.BULK,
    RecheckReddit: Queue.BULK,
}
