"""The process: settings, logs, checks, then the server until SIGTERM."""

import asyncio
import signal
import socket
import sys

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from api.app import create_app
from shared import config, db, log
from shared.config import ApiSettings
from shared.errors import ConfigError, NewsIntelError

# After it an idle connection is closed, as is one whose request does not arrive. Longer than a load balancer keeps one
# for its next request (AWS: 60 s unless told otherwise): what it sends while we close is lost, and a reader gets a 502.
KEEP_ALIVE_SECONDS = 75


def main() -> int:
    """Exit code: 0 after SIGTERM or SIGINT, 1 with one sentence on standard error when it cannot serve."""
    try:
        settings = config.load(ApiSettings)
        log.configure(settings.log_level, service="api")
        check(settings)
        return asyncio.run(serve(settings))
    except NewsIntelError as error:
        print(f"newsintel api: {error}", file=sys.stderr)  # noqa: T201 - the one line that an operator reads
        return 1


def check(settings: ApiSettings) -> None:
    """Raises NewsIntelError with a sentence that says what is in the way of serving."""
    db.check_schema(settings.database_url)
    # The server shares its port with other processes of its kind, so it would not notice that the port is taken.
    _check_port(settings.host, settings.port, "NEWSINTEL_PORT")
    if settings.metrics_port:
        _check_port(settings.inner_host, settings.metrics_port, "NEWSINTEL_METRICS_PORT")


def _check_port(host: str, port: int, variable: str) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {host}:{port}: {error.strerror} ({variable} chooses another)"
            ) from None


async def serve(settings: ApiSettings) -> int:
    """Serve in this very process: 20 MB less than a server that starts a worker process, and as fast."""
    server = Server(
        create_app(settings),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_SECONDS * 1000),
        websockets=False,
        log_enabled=False,
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, server.stop)
    await server.serve()
    return 0 if server.interrupt_signal else 1
