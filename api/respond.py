"""How an answer goes out: JSON bytes with a strong entity tag, or 304 when the caller has them already."""

import hashlib
import re
from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.response.base import ASGIResponse

_PRIVATE = {"Cache-Control": "no-store"}
_VARYING = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie, X-API-Key"}
_JSON = frozenset({"*/*", "application/*", "application/json"})
_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:$|[,;])", re.IGNORECASE)


def json(value: Any, status: int = 200) -> ASGIResponse:
    return ASGIResponse(body=msgspec.json.encode(value), status_code=status)


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
    tag = hashlib.blake2b(body, digest_size=16).hexdigest()
    return tagged(request, body, tag, {**_VARYING, **(headers or {})})


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
        return tagged(request, body, tag, all_headers)
    tag_header = {"ETag": f'"{tag}"'}
    return ASGIResponse(body=body, status_code=status, headers={**_PRIVATE, **all_headers, **tag_header})


def file(body: bytes, name: str, media_type: str) -> ASGIResponse:
    """For saving on the caller's disk."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return ASGIResponse(body=body, media_type=media_type, headers={**_PRIVATE, **disposition})


async def no_content(_: object) -> ASGIResponse:
    """It is done and there is nothing to show."""
    return ASGIResponse(status_code=204)


def tagged(
    request: Request[Any, Any, Any], body: bytes, tag: str, headers: dict[str, str] | None = None
) -> ASGIResponse:
    """Body with its entity tag. `no-cache` lets a client keep it and makes it ask whether it still holds."""
    all_headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache", **(headers or {})}
    known = request.headers.get("if-none-match")
    if known is not None and _matches(known, tag):
        return ASGIResponse(status_code=304, headers=all_headers)
    return ASGIResponse(body=body, headers=all_headers)


def _matches(known: str, tag: str) -> bool:
    """Weak comparison, as RFC 9110 wants it here: a proxy that compresses marks tags as weak."""
    return any(each.strip().removeprefix("W/") in {"*", f'"{tag}"'} for each in known.split(","))


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
