"""Reddit: /r/{a+b}/new and /search, newest first, with one application-only token for all workers."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import msgspec

from ingest.article import Outcome
from ingest.ports import Priority, Pull
from ingest.sources import decode, reddit_post
from ingest.sources.budget import Observed
from ingest.sources.call import Caller
from ingest.sources.http import Answer, Request, raise_for_overload
from ingest.sources.pull import Batch
from ingest.sources.reddit_grant import blocked
from ingest.sources.reddit_token import Tokens
from ingest.sources.redirect import Moved, call_following, moved
from shared.clock import Clock
from shared.config import IngestSettings
from shared.errors import BadAnswerError, KeyRefusedError, NotConfiguredError, QueryRejectedError, SourceError

NAME: Final = reddit_post.NAME
WINDOW: Final = "10 minutes"
PAGE_SIZE: Final = 100
MAX_QUERY: Final = 512


class _TokenRefusedError(KeyRefusedError):
    """The token ended before its time; a new one helps."""


class _Page(msgspec.Struct):
    children: list[msgspec.Raw]
    after: str | None = None


class _Dated(msgspec.Struct):
    created_utc: float


class _Child(msgspec.Struct):
    data: _Dated


class _Listing(msgspec.Struct):
    data: _Page


class _Problem(msgspec.Struct):
    message: str = ""
    reason: str = ""
    explanation: str = ""


class Reddit:
    """Answers pull.Questions."""

    name = NAME

    def __init__(self, settings: IngestSettings, caller: Caller, tokens: Tokens, clock: Clock) -> None:
        self._configured = bool(settings.reddit_client_id)
        self._base = settings.reddit_url
        self._caller = caller
        self._tokens = tokens
        self._clock = clock

    def first(self, pull: Pull) -> Request:
        if not self._configured:
            raise NotConfiguredError(
                NAME, "no client: set NEWSINTEL_REDDIT_CLIENT_ID and NEWSINTEL_REDDIT_CLIENT_SECRET"
            )
        return self._request(pull, **({"after": pull.after} if pull.after else {}))

    def fetch(self, request: Request, priority: Priority) -> Batch:
        token = self._tokens.bearer(priority)
        try:
            return self._ask(request, token, priority)
        except _TokenRefusedError:
            return self._ask(request, self._tokens.bearer(priority, instead_of=token), priority)

    def following(self, pull: Pull, batch: Batch, *, number: int) -> Request | None:  # noqa: ARG002 - pages by position
        if not batch.cursor or not batch.records or _is_before(batch.records[-1], pull.since):
            return None
        return self._request(pull, after=batch.cursor)

    def deleted(self, names: Sequence[str]) -> set[str]:
        """See ingest.ports.Posts. Only what is shown as deleted: what an answer leaves out may be its mistake."""
        if not self._configured:
            raise NotConfiguredError(NAME, "no client")
        request = Request(url=f"{self._base}/api/info", params={"id": ",".join(names), "raw_json": "1"})
        records = self.fetch(request, Priority.BACKFILL).records
        return {name for record in records if (name := reddit_post.deleted_name(record)) is not None}

    def outcome(self, record: bytes) -> Outcome:
        return reddit_post.outcome(record)

    def _request(self, pull: Pull, **after: str) -> Request:
        params = {"limit": str(PAGE_SIZE), "raw_json": "1", **after}
        query = pull.query.strip()
        if pull.kind == "subreddit" and query:
            return Request(url=f"{self._base}/r/{quote(query, safe='+')}/new", params=params)
        if pull.kind != "query":
            raise QueryRejectedError(NAME, f"it has no {pull.kind!r} {query!r}, only 'query' and 'subreddit'")
        if not 0 < len(query) <= MAX_QUERY:
            raise QueryRejectedError(NAME, f"it takes 1 to {MAX_QUERY} characters, not {len(query)}")
        return Request(
            url=f"{self._base}/search", params={"q": query, "sort": "new", "type": "link", **params}
        )

    def _ask(self, request: Request, token: str, priority: Priority) -> Batch:
        bearing = msgspec.structs.replace(request, headers={"Authorization": f"bearer {token}"})
        return call_following(NAME, self._caller, bearing, self._read, priority)

    def _read(self, answer: Answer) -> Batch | Moved:
        if (elsewhere := moved(answer)) is not None:
            return _same_listing(elsewhere)
        raise_for_overload(NAME, answer, self._clock())
        if answer.status != HTTPStatus.OK:
            raise _error(answer)
        page = decode.envelope(NAME, answer, _Listing).data
        return Batch(records=page.children, cursor=page.after)


def observed(headers: Mapping[str, str], now: datetime) -> Iterator[Observed]:
    """What Reddit says is left of its ten minutes. Remaining is written as a float; some answers say nothing."""
    try:
        left = float(headers["x-ratelimit-remaining"])
        # It still refuses calls in the very second of its reset.
        reset = timedelta(seconds=float(headers["x-ratelimit-reset"]) + 1)
        yield Observed(window=WINDOW, left=math.floor(left), ends_at=now + reset)
    except (KeyError, ValueError, OverflowError):
        return


def _is_before(record: msgspec.Raw, since: datetime | None) -> bool:
    """Listings take no dates, so a pull with a window ends where it begins; one that says no date does not end it."""
    if since is None:
        return False
    try:
        return msgspec.json.decode(record, type=_Child).data.created_utc < since.timestamp()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _same_listing(elsewhere: Moved) -> Moved:
    """Another spelling of the subreddit's name leads to the same listing; an unknown one to the search page."""
    if "/r/" in elsewhere.location:
        return elsewhere
    raise QueryRejectedError(NAME, "there is no such subreddit")


def _error(answer: Answer) -> SourceError:
    if answer.status == HTTPStatus.FORBIDDEN and answer.is_html():
        return blocked()
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return _TokenRefusedError(NAME, "it refuses a token that it has just given (401)")
    if "insufficient_scope" in answer.headers.get("www-authenticate", ""):
        return KeyRefusedError(NAME, "the token lacks the scope 'read'")
    try:
        problem = msgspec.json.decode(answer.body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = _Problem()
    said = decode.shortened(problem.explanation or problem.reason or problem.message)
    if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        return QueryRejectedError(NAME, f"the subreddit cannot be read: {said or answer.status}")
    if not said:
        return BadAnswerError(NAME, f"it answered {answer.status} without saying why")
    return QueryRejectedError(NAME, said)
