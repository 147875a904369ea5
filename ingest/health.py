"""Answers a container's health check while the process does its work: 200 when it does, 503 when it stopped.

It asks nothing of PostgreSQL or Redis: a worker that waits for them is healthy, and killing it would not bring them
back.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from shared.probe import HEALTH_PATH


@contextlib.contextmanager
def answering(port: int, alive: Callable[[], bool]) -> Iterator[None]:
    """Answer on `port` for as long as the block runs; with port 0 there is nobody to ask and nothing happens."""
    if not port:
        yield
        return
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(alive))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _handler(alive: Callable[[], bool]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = 404 if self.path != HEALTH_PATH else 200 if alive() else 503
            body = b'{"status": "healthy"}' if status == 200 else b'{"status": "unhealthy"}'  # noqa: PLR2004
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """One line every ten seconds would say nothing."""

    return Handler
