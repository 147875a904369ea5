"""How an answer goes out: bytes with a strong entity tag, or 304 when the caller has them already."""

import re
import time
from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import Scope

from api.answers import Answer, Headers
from api.cache import Target

_JSON = frozenset({"*/*", "application/*", "application/json"})
_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:$|[,;])", re.IGNORECASE)


class MovedError(Exception):
    """What is asked for is at another address now."""

    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


class Ready(ASGIResponse):
    """A response whose headers are made already."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        super().__init__(status_code=status, body=body)
        self._ready = headers

    def encode_headers(self) -> list[tuple[bytes, bytes]]:
        return self._ready


def json(value: Any, status: int = 200) -> ASGIResponse:
    return ASGIResponse(body=msgspec.json.encode(value), status_code=status)


def kept(
    request: Request[Any, Any, Any], answer: Answer, status: str, extra: Headers | None = None
) -> ASGIResponse:
    """An answer with its headers. status: what Cache-Status says of it."""
    headers = [*answer.headers(int(time.time()), status), *(extra or ())]
    known = request.headers.get("if-none-match")
    if known is not None and answer.matches(known):
        # A 304 has no content, so nothing to say of its type and length, the first two.
        return Ready(304, headers[2:], b"")
    return Ready(200, headers, answer.body)


def missed(found: Answer) -> str:
    """Cache-Status of an answer that had to be made."""
    return "fwd=miss; stored" if found.expires_at else "fwd=miss"


def header(scope: Scope, name: bytes) -> bytes | None:
    for each, value in scope["headers"]:
        if each == name:
            return value
    return None


def target(scope: Scope) -> Target:
    """What a request asks for, as it came over the wire."""
    return scope["path"], scope["query_string"], header(scope, b"accept")


def wait_preferred(request: Request[Any, Any, Any]) -> int | None:
    """Seconds of `Prefer: wait=n` (RFC 7240); a preference that cannot be read is as if it were not there."""
    prefer = request.headers.get("prefer")
    found = _WAIT.search(prefer) if prefer else None
    return int(found[1]) if found else None


def accepts_json(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: 406 for a caller that says it cannot read JSON."""
    accept = connection.headers.get("accept")
    if accept and not any(each.split(";")[0].strip().lower() in _JSON for each in accept.split(",")):
        raise HTTPException(status_code=406)
