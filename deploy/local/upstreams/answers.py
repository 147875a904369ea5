"""Making HTTP answers out of Python values."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response

Headers = Mapping[str, str]
Answer = Response[bytes]

JSON = "application/json; charset=utf-8"
HTML = "text/html"
"""Litestar adds the charset to text types by itself."""


def json(content: Any, status: int = 200, headers: Headers | None = None) -> Answer:
    """A JSON answer."""
    return Response(msgspec.json.encode(content), status_code=status, headers=headers, media_type=JSON)


def html(page: str, status: int = 200, headers: Headers | None = None) -> Answer:
    """An HTML page."""
    return Response(page.encode(), status_code=status, headers=headers, media_type=HTML)


def redirect(location: str, status: int = 302) -> Answer:
    """Send the caller elsewhere, with the few words of HTML that servers add."""
    page = b"<html><head><title>Moved</title></head><body>The page is elsewhere.</body></html>"
    return Response(page, status_code=status, headers={"location": location}, media_type=HTML)
