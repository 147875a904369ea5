"""NewsAPI.org: /everything and /top-headlines, one page of 100 on the Developer plan."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from ingest.article import Discarded, Outcome, RawItem
from ingest.ports import Priority, Pull
from ingest.sources import decode
from ingest.sources.call import Caller
from ingest.sources.http import Answer, Request, raise_for_overload, retry_at
from ingest.sources.pull import Batch
from shared.clock import Clock
from shared.config import IngestSettings
from shared.errors import (
    BadAnswerError,
    KeyRefusedError,
    NotConfiguredError,
    PlanLimitError,
    QueryRejectedError,
    RateLimitedError,
    SourceError,
)

NAME: Final = "newsapi"
LANGUAGES: Final = frozenset(
    ["ar", "de", "en", "es", "fr", "he", "it", "nl", "no", "pt", "ru", "sv", "ud", "zh"]
)
CATEGORIES: Final = frozenset(
    ["business", "entertainment", "general", "health", "science", "sports", "technology"]
)
PAGE_SIZE: Final = 100
MAX_QUERY: Final = 500
# It never says when its 12 hours end, and they need not start with ours: look again after an hour.
_RATE_LIMITED_FOR = timedelta(hours=1)

_OK = 200
_UPGRADE_REQUIRED = 426
_ERRORS: Final[dict[str, type[SourceError]]] = {
    "apiKeyMissing": KeyRefusedError,
    "apiKeyInvalid": KeyRefusedError,
    "apiKeyDisabled": KeyRefusedError,
    "maximumResultsReached": PlanLimitError,
    "corsNotAllowed": PlanLimitError,
}
_RATE_CODES = frozenset({"rateLimited", "apiKeyExhausted"})


class _Outlet(msgspec.Struct):
    name: str | None = None


class _Article(msgspec.Struct, rename="camel"):
    source: _Outlet | None = None
    author: str | None = None
    title: str | None = None
    description: str | None = None
    url: str | None = None
    url_to_image: str | None = None
    published_at: str | None = None
    content: str | None = None


class _Dated(msgspec.Struct, rename="camel"):
    published_at: datetime


class _Articles(msgspec.Struct, rename="camel"):
    articles: list[msgspec.Raw]
    total_results: int = 0


class _Problem(msgspec.Struct):
    code: str = ""
    message: str = ""


class NewsApi:
    """Answers pull.Questions."""

    name = NAME

    def __init__(self, settings: IngestSettings, caller: Caller, clock: Clock) -> None:
        self._configured = bool(settings.newsapi_key)
        self._base = settings.newsapi_url
        # On the Developer plan page * pageSize may not exceed 100.
        self._only_first_page = settings.newsapi_plan == "developer"
        self._caller = caller
        self._clock = clock

    def first(self, pull: Pull) -> Request:
        if not self._configured:
            raise NotConfiguredError(NAME, "no key: set NEWSINTEL_NEWSAPI_KEY")
        return self._request(_until(pull, pull.after) if pull.after else pull, page=1)

    def fetch(self, request: Request, priority: Priority) -> Batch:
        batch = self._caller.call(request, self._read, priority)
        if batch.cursor is None or batch.cursor != request.params.get("to"):
            return batch
        # All of one second. More of it cannot be asked for by time, what is older can.
        earlier = _utc(_moment(batch.cursor) - timedelta(seconds=1))
        return msgspec.structs.replace(batch, cursor=earlier)

    def following(self, pull: Pull, batch: Batch, *, number: int) -> Request | None:
        if pull.priority is Priority.BACKFILL:
            # By time instead of by page: no plan's limit on results applies, and articles that arrive move nothing.
            if len(batch.records) < PAGE_SIZE or batch.cursor is None:
                return None
            request = self._request(_until(pull, batch.cursor), page=1)
            return request if request.params.get("from", "") <= request.params.get("to", "") else None
        seen = number * PAGE_SIZE
        if self._only_first_page or len(batch.records) < PAGE_SIZE or seen >= (batch.total or 0):
            return None
        return self._request(pull, page=number + 1)

    def outcome(self, record: bytes) -> Outcome:
        return decode.record(NAME, record, _Article, lambda article: _understand(article, record))

    def _request(self, pull: Pull, *, page: int) -> Request:
        paging = {"pageSize": str(PAGE_SIZE), "page": str(page)}
        if pull.kind == "query":
            return Request(url=f"{self._base}/everything", params=_everything(pull) | paging)
        if pull.kind == "headlines":
            return Request(url=f"{self._base}/top-headlines", params=_headlines(pull) | paging)
        raise QueryRejectedError(NAME, f"it has no {pull.kind!r}, only 'query' and 'headlines'")

    def _read(self, answer: Answer) -> Batch:
        if answer.status != _OK:
            raise self._error(answer)
        page = decode.envelope(NAME, answer, _Articles)
        return Batch(records=page.articles, total=page.total_results, cursor=_oldest(page.articles))

    def _error(self, answer: Answer) -> SourceError:
        try:
            problem = msgspec.json.decode(answer.body, type=_Problem)
        except (msgspec.DecodeError, UnicodeDecodeError):
            problem = _Problem()
        message = decode.shortened(f"{problem.code}: {problem.message}")
        if problem.code in _RATE_CODES:
            now = self._clock()
            return RateLimitedError(NAME, message, retry_at=retry_at(answer, now) or now + _RATE_LIMITED_FOR)
        raise_for_overload(NAME, answer, self._clock())
        if not problem.code:
            return BadAnswerError(NAME, f"it answered {answer.status} without saying why")
        if answer.status == _UPGRADE_REQUIRED:
            return PlanLimitError(NAME, message)
        return _ERRORS.get(problem.code, QueryRejectedError)(NAME, message)


def _oldest(records: list[msgspec.Raw]) -> str | None:
    """When the last dated article was published (withdrawn ones are dated 1970)."""
    for record in reversed(records):
        try:
            at = msgspec.json.decode(record, type=_Dated).published_at
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if at.timestamp() > 0:
            return _utc(at)
    return None


def _until(pull: Pull, cursor: str) -> Pull:
    return msgspec.structs.replace(pull, until=_moment(cursor))


def _moment(cursor: str) -> datetime:
    return datetime.fromisoformat(cursor).replace(tzinfo=UTC)


def _everything(pull: Pull) -> dict[str, str]:
    query = pull.query.strip()
    if not query:
        raise QueryRejectedError(NAME, "it needs words to search for")
    if len(query) > MAX_QUERY:
        raise QueryRejectedError(NAME, f"it takes at most {MAX_QUERY} characters, not {len(query)}")
    params = {"q": query, "sortBy": "publishedAt"}
    if pull.language:
        if pull.language not in LANGUAGES:
            raise QueryRejectedError(NAME, f"it has no articles in {pull.language!r}")
        params["language"] = pull.language
    if pull.since:
        params["from"] = _utc(pull.since)
    if pull.until:
        params["to"] = _utc(pull.until)
    return params


def _headlines(pull: Pull) -> dict[str, str]:
    if not pull.query:
        return {"country": "us"}  # the only country that still has headlines
    if pull.query not in CATEGORIES:
        raise QueryRejectedError(NAME, f"it has no category {pull.query!r}")
    return {"category": pull.query}


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def _understand(article: _Article, original: bytes) -> Outcome:
    # A withdrawn article stays in the list as a placeholder, and all placeholders share one URL.
    if article.title == "[Removed]" or (article.url or "").rstrip("/") == "https://removed.com":
        return Discarded(source=NAME, reason="withdrawn")
    return RawItem(
        source=NAME,
        external_id=None,
        url=article.url,
        title=article.title,
        description=article.description,
        content=article.content,
        author=article.author,
        source_name=article.source.name if article.source else None,
        image_url=article.url_to_image,
        published_at=article.published_at,
        original=bytes(original),
    )
