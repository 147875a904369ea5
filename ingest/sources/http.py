"""One HTTP exchange with a source: bounded in time and size, every failure a typed error, no secret in any text."""

import email.utils
import logging
import time
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import msgspec

from shared.config import IngestSettings
from shared.errors import BadAnswerError, KeyRefusedError, RateLimitedError, UnreachableError

# httpx logs whole URLs at INFO, and the Guardian's carry the key.
logging.getLogger("httpx").setLevel(logging.WARNING)

_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
# A source that asks for a longer pause than this is misread rather than obeyed.
_LONGEST_RETRY_AFTER = timedelta(days=2)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask. The source's key is not in here: it belongs to the Transport."""

    url: str
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    form: dict[str, str] | None = None  # given: a POST with HTTP Basic auth, otherwise a GET
    basic_auth: tuple[str, str] | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer; headers by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def is_html(self) -> bool:
        return "html" in self.headers.get("content-type", "") or self.body.lstrip()[:1] == b"<"


class Transport:
    """The connection pool of one source. Thread-safe."""

    def __init__(
        self,
        source: str,
        settings: IngestSettings,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        """Headers and params go with every request; the key is in one of them."""
        self._source = source
        self._max_bytes = settings.max_body_bytes
        self._seconds = settings.connect_timeout_seconds + settings.read_timeout_seconds
        self._params = dict(params or {})
        # Not the client's own headers: a value that cannot be sent must fail this source's calls, not the start.
        self._headers = {
            "User-Agent": settings.reddit_user_agent,
            "Accept": "application/json",
            **(headers or {}),
        }
        self._client = httpx.Client(
            timeout=httpx.Timeout(settings.read_timeout_seconds, connect=settings.connect_timeout_seconds)
        )
        weakref.finalize(self, self._client.close)  # its sockets go with it, at exit at the latest

    def send(self, request: Request) -> Answer:
        """Send it and read the whole answer. Raises UnreachableError, BadAnswerError or KeyRefusedError."""
        try:
            return self._exchange(request)
        except httpx.TimeoutException:
            raise UnreachableError(self._source, f"no answer within {self._seconds:g} s") from None
        except httpx.DecodingError:
            raise BadAnswerError(self._source, "the compressed body is damaged") from None
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            # The library's text would show the header's value.
            raise KeyRefusedError(
                self._source, "the key or User-Agent has characters that no HTTP header can carry"
            ) from None
        except httpx.TransportError as error:
            raise UnreachableError(self._source, f"connection failed: {error}") from None

    def _exchange(self, request: Request) -> Answer:
        method = "GET" if request.form is None else "POST"
        with self._client.stream(
            method,
            request.url,
            params={**request.params, **self._params},
            headers={**self._headers, **request.headers},
            data=request.form,
            auth=request.basic_auth,
        ) as response:
            return Answer(
                status=response.status_code, headers=dict(response.headers), body=self._read(response)
            )

    def _read(self, response: httpx.Response) -> bytes:
        deadline = time.monotonic() + self._seconds
        body = bytearray()
        # A chunk is what 64 kB of the wire unpack to: 66 MB at the very most, and then it ends here.
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._max_bytes:
                raise BadAnswerError(self._source, f"the body is larger than {self._max_bytes} bytes")
            if time.monotonic() > deadline:
                raise UnreachableError(self._source, f"the body took longer than {self._seconds:g} s")
        return bytes(body)


def raise_for_overload(source: str, answer: Answer, now: datetime) -> None:
    """Raise what every source means alike: 429 is RateLimitedError; 408 and 5xx are UnreachableError."""
    if answer.status == _TOO_MANY_REQUESTS:
        raise RateLimitedError(source, "too many requests (429)", retry_at=retry_at(answer, now))
    if answer.status == _REQUEST_TIMEOUT or answer.status >= _SERVER_ERROR:
        raise UnreachableError(source, f"it answered {answer.status}", retry_at=retry_at(answer, now))


def retry_at(answer: Answer, now: datetime) -> datetime | None:
    """When Retry-After (seconds or an HTTP date) allows the next call; None when it does not say."""
    text = answer.headers.get("retry-after", "").strip()
    try:
        wait = timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        return _http_date(text, now)
    return now + min(max(wait, timedelta()), _LONGEST_RETRY_AFTER)


def _http_date(text: str, now: datetime) -> datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(text)
        return min(max(date.astimezone(UTC), now), now + _LONGEST_RETRY_AFTER)
    except (ValueError, OverflowError):
        return None
