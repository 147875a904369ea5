"""How an answer goes out: bytes with a strong entity tag, or 304 when the caller has them already."""

import hashlib
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

from api import answers
from api.accept import quality, wishes
from api.answers import Answer, Headers
from api.cache import Target

_PRIVATE = {"Cache-Control": "no-store"}
_VARYING = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie, X-API-Key"}
_PUBLIC_ONLY = (b"cache-control", b"vary")
_PERSONAL = (
    (b"cache-control", b"private, no-cache"),
    (b"vary", b"Accept, Authorization, Cookie, X-API-Key"),
)
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


def momentary(value: Any, status: int = 200) -> ASGIResponse:
    """What is true of this moment only: nobody keeps it."""
    return ASGIResponse(body=msgspec.json.encode(value), status_code=status, headers=_PRIVATE)


def private(
    value: Any,
    request: Request[Any, Any, Any] | None = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> ASGIResponse:
    """What is one user's: no shared cache keeps it. With a request: 304 when the caller has it already."""
    body = msgspec.json.encode(value)
    if request is None:
        return ASGIResponse(body=body, status_code=status, headers={**_PRIVATE, **(headers or {})})
    return _tagged(request, answers.answer(body), {**_VARYING, **(headers or {})})


def versioned(
    request: Request[Any, Any, Any],
    value: Any,
    version: int,
    status: int,
    headers: dict[str, str] | None = None,
) -> ASGIResponse:
    """What can be edited: its entity tag names the version that an edit has seen."""
    body = msgspec.json.encode(value)
    tag = f"v{version}-{hashlib.blake2b(body, digest_size=4).hexdigest()}"
    all_headers = {**_VARYING, **(headers or {})}
    if status == 200 and request.method == "GET":  # noqa: PLR2004 - OK
        return _tagged(request, Answer(body=body, tag=tag), all_headers)
    tag_header = {"ETag": f'"{tag}"'}
    return ASGIResponse(body=body, status_code=status, headers={**_PRIVATE, **all_headers, **tag_header})


def file(body: bytes, name: str, media_type: str) -> ASGIResponse:
    """For saving on the caller's disk."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return ASGIResponse(body=body, media_type=media_type, headers={**_PRIVATE, **disposition})


async def no_content(_: object) -> ASGIResponse:
    """It is done and there is nothing to show."""
    return ASGIResponse(status_code=204)


def _tagged(request: Request[Any, Any, Any], found: Answer, headers: dict[str, str]) -> ASGIResponse:
    all_headers = {"ETag": f'"{found.tag}"', **headers}
    known = header_text(request.scope, b"if-none-match")
    if known is not None and found.matches(known):
        return ASGIResponse(status_code=304, headers=all_headers)
    return ASGIResponse(body=found.body, headers=all_headers)


def kept(
    request: Request[Any, Any, Any],
    answer: Answer,
    status: str,
    extra: Headers | None = None,
    *,
    personal: bool = False,
) -> ASGIResponse:
    """An answer with its headers. status: what Cache-Status says of it; personal: it is made for one user's taste."""
    headers = [*answer.headers(int(time.time()), status), *(extra or ())]
    if personal:
        headers = [*(each for each in headers if each[0] not in _PUBLIC_ONLY), *_PERSONAL]
    known = header_text(request.scope, b"if-none-match")
    if known is not None and answer.matches(known):
        # A 304 has no content, so nothing to say of its type and length, the first two.
        return Ready(304, headers[2:], b"")
    return Ready(200, headers, answer.body)


def had(tier: str) -> str:
    """Cache-Status of an answer that was there."""
    return f"hit; detail={tier}"


def missed(found: Answer) -> str:
    """Cache-Status of an answer that had to be made."""
    return "fwd=miss; stored" if found.expires_at else "fwd=miss"


def header(scope: Scope, name: bytes) -> bytes | None:
    """A header that is a list: all its lines are one (RFC 9110, section 5.3)."""
    found = None
    for each, value in scope["headers"]:
        if each == name:
            found = value if found is None else found + b", " + value
    return found


def header_text(scope: Scope, name: bytes) -> str | None:
    """The same as text."""
    found = header(scope, name)
    return None if found is None else found.decode("latin-1")


def target(scope: Scope) -> Target:
    """What a request asks for, as it came over the wire."""
    return scope["path"], scope["query_string"], header(scope, b"accept")


def wait_preferred(request: Request[Any, Any, Any]) -> int | None:
    """Seconds of `Prefer: wait=n` (RFC 7240); a preference that cannot be read is as if it were not there."""
    prefer = header_text(request.scope, b"prefer")
    found = _WAIT.search(prefer) if prefer else None
    return int(found[1]) if found else None


def accepts_json(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: 406 for a caller that says it cannot read JSON."""
    accept = header_text(connection.scope, b"accept")
    if accept and not quality(wishes(accept), answers.JSON):
        raise HTTPException(status_code=406)
