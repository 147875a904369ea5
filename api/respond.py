"""How an answer goes out: JSON bytes with a strong entity tag, or 304 when the caller has them already."""

import re
from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.response.base import ASGIResponse

_JSON = frozenset({"*/*", "application/*", "application/json"})
_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:$|[,;])", re.IGNORECASE)


def json(value: Any, status: int = 200) -> ASGIResponse:
    return ASGIResponse(body=msgspec.json.encode(value), status_code=status)


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
