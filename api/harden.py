"""What every answer carries and no request may exceed: security headers, CORS, sizes."""

import re
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from api import outgoing
from api.errors import problem
from api.refusals import Refusal
from shared.config import ApiSettings
from shared.errors import BadQueryError
from shared.query.tokens import check_length

# Room for the longest cursor and 13,000 bytes of query and names. What is kept of a request - its links, how its answer
# is made anew - is bounded with it.
LONGEST_QUERY_STRING: Final = 16_384
_LENGTH: Final = re.compile(rb"[0-9]{1,19}")
_DOCS: Final = "/docs"
_API_POLICY: Final = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# Scripts from files only. Swagger UI writes style attributes into its markup.
_DOCS_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    # Browsers keep it for two years; over plain HTTP they ignore it.
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
)
_API_HEADERS: Final = [*_ALWAYS, (b"content-security-policy", _API_POLICY)]
_DOCS_HEADERS: Final = [*_ALWAYS, (b"content-security-policy", _DOCS_POLICY)]
_VARYING: Final = (b"vary", b"Origin")
_CORS: Final = (
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-API-Key, X-Request-ID",
    ),
    (b"access-control-max-age", b"600"),
)
_EXPOSED: Final = (
    b"access-control-expose-headers",
    (
        b"ETag, Location, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, "
        b"X-RateLimit-Reset, X-Request-ID, Cache-Status, Age, Link"
    ),
)


class Harden:
    """Wraps the application. Cookies are never allowed to other origins, so no answer of CORS carries credentials."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self._app = app
        self._origins = frozenset(each.strip().encode() for each in settings.cors_origins.split(",") if each)
        self._max_body = settings.max_body_bytes
        self._max_headers = settings.max_header_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        outgoing.of(scope).added += self._headers(scope, headers.get(b"origin"))
        if error := self._too_large(scope, headers):
            await answer_problem(scope, receive, send, error)
        elif scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": 204, "headers": list(_CORS)})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self._app(scope, self._bounded(receive), send)

    def _headers(self, scope: HTTPScope, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        docs = scope["path"].startswith(_DOCS)
        headers = _DOCS_HEADERS if docs else _API_HEADERS
        if not self._origins:
            return headers
        if origin not in self._origins:
            return [*headers, _VARYING]
        return [*headers, _VARYING, (b"access-control-allow-origin", origin or b""), _EXPOSED]

    def _too_large(self, scope: HTTPScope, headers: dict[bytes, bytes]) -> Exception | None:
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size > self._max_headers:
            return Refusal(
                "headers_too_large", f"The headers have {size} bytes, {self._max_headers} are allowed."
            )
        if len(scope["query_string"]) > LONGEST_QUERY_STRING:
            return _too_long(scope["query_string"])
        length = headers.get(b"content-length", b"0")
        if not _LENGTH.fullmatch(length) or int(length) > self._max_body:
            return Refusal("too_large", f"A body may have {self._max_body} bytes.")
        return None

    def _bounded(self, receive: Receive) -> Receive:
        """A body without a length is counted as it comes."""
        seen = 0

        async def receive_bounded() -> Any:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message["body"])
                if seen > self._max_body:
                    raise Refusal("too_large", f"A body may have {self._max_body} bytes.")
            return message

        return receive_bounded


def _too_long(query_string: bytes) -> Exception:
    """What is too long by itself is named: the query, as if it had come to where it is read."""
    for pair in query_string.split(b"&"):
        name, _, raw = pair.partition(b"=")
        if name == b"q":
            try:
                check_length(unquote_to_bytes(raw.replace(b"+", b" ")).decode(errors="replace"))
            except BadQueryError as error:
                return error
    return Refusal(
        "address_too_long", f"What follows the ? may have {LONGEST_QUERY_STRING} bytes, percent-encoded."
    )


async def answer_problem(scope: HTTPScope, receive: Receive, send: Send, error: Exception) -> None:
    """Answer with a problem from outside the framework."""
    response = problem(Request(scope, receive, send), error)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    headers += [
        (b"content-type", str(response.media_type).encode()),
        (b"content-length", str(len(response.content)).encode()),
    ]
    await send({"type": "http.response.start", "status": response.status_code or 500, "headers": headers})
    await send({"type": "http.response.body", "body": response.content, "more_body": False})
