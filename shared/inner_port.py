"""A port for those who run the process, apart from the one for readers: its health check, its metrics.

It asks nothing of PostgreSQL or Redis: a worker that waits for them is healthy, and killing it would not bring them
back.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple

from shared import prometheus
from shared.metrics import Metrics
from shared.probe import HEALTH_PATH

METRICS_PATH: Final = "/metrics"


class Page(NamedTuple):
    status: HTTPStatus
    media_type: str
    body: bytes


Pages = Mapping[str, Callable[[], Page]]
_NOWHERE: Final = Page(HTTPStatus.NOT_FOUND, "text/plain", b"there are /health and /metrics\n")


def health(alive: Callable[[], bool]) -> Pages:
    """200 while the process does its work, 503 when it stopped."""

    def page() -> Page:
        if alive():
            return Page(HTTPStatus.OK, "application/json", b'{"status": "healthy"}')
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, "application/json", b'{"status": "unhealthy"}')

    return {HEALTH_PATH: page}


def measured(metrics: Metrics) -> Pages:
    return {METRICS_PATH: lambda: Page(HTTPStatus.OK, prometheus.MEDIA_TYPE, prometheus.exposition(metrics))}


@contextlib.contextmanager
def answering(host: str, port: int, pages: Pages) -> Iterator[None]:
    """Answer for as long as the block runs; with port 0 there is nobody to ask and nothing happens."""
    if not port:
        yield
        return
    server = ThreadingHTTPServer((host, port), _handler(pages))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="inner-port", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _handler(pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path, lambda: _NOWHERE)()
            self.send_response(page.status)
            self.send_header("Content-Type", page.media_type)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def log_message(self, *_: object) -> None:
            """One line every ten seconds would say nothing."""

    return Handler
