"""What every request passes through: its id, its line in the access log, its place in the metrics."""

import asyncio
import random
import re
import sys
import time
from collections.abc import Iterable
from typing import BinaryIO, Final

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api import outgoing
from shared.metrics import STATUSES, Metrics

# A caller's own id is taken over when it cannot forge a log line or a header.
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Lines are written together: one write a request would cost more than the request.
FLUSH_SECONDS = 0.2
_RANDOM: Final = random.Random()  # noqa: S311 - another one each time, and no secret
LIST_PATH: Final = "/articles"
_FIRST_ERROR: Final = 400


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One line. The query string is not in it: what people search for is theirs."""

    timestamp: float
    method: str
    path: str
    status: int
    ms: float
    request_id: str
    service: str = "api"
    event: str = "request"
    level: str = "info"


class AccessLog:
    """Collects lines and writes them a few times a second."""

    def __init__(self, stream: BinaryIO | None) -> None:
        self._stream = stream
        self._lines: list[Access] = []

    def add(self, line: Access) -> None:
        if self._stream is None:
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Write what there is. Also called at the end of the process."""
        lines, self._lines = self._lines, []
        if self._stream is not None and lines:
            self._stream.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            self._stream.flush()


def standard_output(log_level: str) -> AccessLog:
    """An access log on standard output; silent from log level warning upwards."""
    return AccessLog(sys.stdout.buffer if log_level in {"debug", "info"} else None)


class Observe:
    """Wraps the whole application, so that a request that finds no route is seen too."""

    def __init__(self, app: ASGIApp, log: AccessLog, metrics: Metrics) -> None:
        self._app = app
        self._log = log
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope["headers"])
        structlog.contextvars.bind_contextvars(request_id=request_id)
        answer, send_complete = outgoing.begin(scope, send)
        answer.added.append((b"x-request-id", request_id.encode()))
        try:
            await self._app(scope, receive, send_complete)
        finally:
            took = (time.perf_counter() - started) * 1000
            self._measure(scope["path"], answer.status, took)
            self._log.add(
                Access(
                    timestamp=time.time(),
                    method=scope["method"],
                    path=scope["path"],
                    status=answer.status,
                    ms=round(took, 2),
                    request_id=request_id,
                )
            )

    def _measure(self, path: str, status: int, took: float) -> None:
        # A caller who left before the answer began has no status.
        if status:
            self._metrics.count("http_requests", status=STATUSES[status // 100 - 2])
        if path == LIST_PATH and 0 < status < _FIRST_ERROR:
            self._metrics.timing("search_duration", took)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return f"{_RANDOM.getrandbits(128):032x}"
