"""The Guardian: /search newest first, then on from the last item by /content/{id}/next."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import msgspec

from ingest.article import Discarded, Outcome, RawItem
from ingest.ports import Priority, Pull
from ingest.sources import decode
from ingest.sources.budget import Observed
from ingest.sources.call import Caller
from ingest.sources.http import Answer, Request, raise_for_overload
from ingest.sources.pull import Batch
from ingest.sources.redirect import Moved, call_following, moved
from shared.clock import Clock
from shared.config import IngestSettings
from shared.errors import BadAnswerError, KeyRefusedError, NotConfiguredError, QueryRejectedError, SourceError

NAME: Final = "guardian"
# With bodies 200 items are about 2 MB and a second's work for the pipeline: too much for a reader who waits.
PAGE_SIZE: Final = {Priority.INTERACTIVE: 50, Priority.CADENCE: 200, Priority.BACKFILL: 200}
_FIELDS: Final = "headline,trailText,body,byline,thumbnail,lastModified,lang"
_PAST_THE_END: Final = "beyond the number of available pages"


class _Fields(msgspec.Struct, rename="camel"):
    headline: str | None = None
    trail_text: str | None = None
    body: str | None = None
    byline: str | None = None
    thumbnail: str | None = None
    last_modified: str | None = None
    lang: str | None = None


class _Content(msgspec.Struct, rename="camel"):
    id: str | None = None
    web_title: str | None = None
    web_url: str | None = None
    web_publication_date: str | None = None
    is_gone: bool | None = None
    is_expired: bool | None = None
    fields: _Fields | None = None


class _Identified(msgspec.Struct):
    id: str


class _Results(msgspec.Struct, rename="camel"):
    results: list[msgspec.Raw]


class _Search(msgspec.Struct):
    response: _Results


class _Reason(msgspec.Struct):
    message: str = ""


class _Problem(msgspec.Struct):
    """The content API wraps its errors in `response`; the gateway before it does not."""

    message: str = ""
    response: _Reason | None = None


class Guardian:
    """Answers pull.Questions."""

    name = NAME

    def __init__(self, settings: IngestSettings, caller: Caller, clock: Clock) -> None:
        self._configured = bool(settings.guardian_key)
        self._base = settings.guardian_url
        self._caller = caller
        self._clock = clock

    def first(self, pull: Pull) -> Request:
        if not self._configured:
            raise NotConfiguredError(NAME, "no key: set NEWSINTEL_GUARDIAN_KEY")
        return (
            self._after(pull, pull.after)
            if pull.after
            else Request(url=f"{self._base}/search", params=_params(pull))
        )

    def fetch(self, request: Request, priority: Priority) -> Batch:
        return call_following(NAME, self._caller, request, self._read, priority)

    def following(self, pull: Pull, batch: Batch, *, number: int) -> Request | None:  # noqa: ARG002 - pages by position
        if batch.cursor is None or len(batch.records) < PAGE_SIZE[pull.priority]:
            return None
        return self._after(pull, batch.cursor)

    def outcome(self, record: bytes) -> Outcome:
        return decode.record(NAME, record, _Content, lambda content: _understand(content, record))

    def _after(self, pull: Pull, item_id: str) -> Request:
        return Request(url=f"{self._base}/content/{quote(item_id, safe='/')}/next", params=_params(pull))

    def _read(self, answer: Answer) -> Batch | Moved:
        if (elsewhere := moved(answer)) is not None:
            return elsewhere
        if answer.status != HTTPStatus.OK:
            return self._without_results(answer)
        results = decode.envelope(NAME, answer, _Search).response.results
        return Batch(records=results, cursor=_last_id(results))

    def _without_results(self, answer: Answer) -> Batch:
        raise_for_overload(NAME, answer, self._clock())
        said = _message(answer)
        if _PAST_THE_END in said:
            return Batch(records=[])
        raise _error(answer.status, said)


def observed(headers: Mapping[str, str], now: datetime) -> Iterator[Observed]:
    """What Kong's headers say is left. The second's is of no use: the ledger keeps the pace itself."""
    for window, length in (("day", timedelta(days=1)), ("minute", timedelta(minutes=1))):
        left = headers.get(f"x-ratelimit-remaining-{window}", "")
        if left.isdecimal():
            ends_at = datetime.fromtimestamp(
                (now.timestamp() // length.total_seconds() + 1) * length.total_seconds(), UTC
            )
            yield Observed(window=window, left=int(left), ends_at=ends_at)


def _params(pull: Pull) -> dict[str, str]:
    params = {
        "order-by": "newest",  # without it a search with q is ordered by relevance
        "page-size": str(PAGE_SIZE[pull.priority]),
        "show-fields": _FIELDS,
        **_filter(pull),
    }
    if pull.language and pull.language != "en":  # almost everything is English, and not everything says so
        params["lang"] = pull.language
    if pull.since:
        params["from-date"] = _utc(pull.since)
    if pull.until:
        params["to-date"] = _utc(pull.until)
    return params


def _filter(pull: Pull) -> dict[str, str]:
    query = pull.query.strip()
    if pull.kind == "section":
        return {"section": query} if query else {}
    if pull.kind != "query":
        raise QueryRejectedError(NAME, f"it has no {pull.kind!r}, only 'query' and 'section'")
    if not query:
        raise QueryRejectedError(NAME, "it needs words to search for")
    return {"q": query}


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _last_id(records: list[msgspec.Raw]) -> str | None:
    """Where the next page starts: the last item that says its id (one that cannot be decoded is passed over)."""
    for raw in reversed(records):
        try:
            return msgspec.json.decode(raw, type=_Identified).id or None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return None


def _message(answer: Answer) -> str:
    try:
        problem = msgspec.json.decode(answer.body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return decode.shortened(problem.response.message if problem.response else problem.message)


def _error(status: int, said: str) -> SourceError:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return KeyRefusedError(NAME, f"it refuses the key: {said or status}")
    if status == HTTPStatus.NOT_FOUND:
        # Only an item can be not found: paging went on from one that was withdrawn meanwhile. Asked afresh, it works.
        return BadAnswerError(NAME, f"it answered 404: {said}")
    if not said:
        return BadAnswerError(NAME, f"it answered {status} without saying why")
    return QueryRejectedError(NAME, said)


def _understand(content: _Content, original: bytes) -> Outcome:
    if content.is_gone or content.is_expired:
        return Discarded(source=NAME, reason="withdrawn")
    fields = content.fields or _Fields()
    return RawItem(
        source=NAME,
        external_id=content.id,
        url=content.web_url,
        title=fields.headline or content.web_title,
        description=fields.trail_text,
        content=fields.body,
        author=fields.byline,
        source_name="The Guardian",
        image_url=fields.thumbnail,
        language=fields.lang or "en",
        published_at=content.web_publication_date,
        modified_at=fields.last_modified,
        original=bytes(original),
    )
