"""What a benchmark compares with: the same server, the same bytes, and as little as possible in between.

`python -m tests.bench.bare KIND PORT BODY [REDIS]` with KIND asgi, litestar or redis.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, get

from shared import redis as redis_clients

KEY = "bench:body"


def asgi(body: bytes) -> Any:
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
    }
    answer = {"type": "http.response.body", "body": body, "more_body": False}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send(start)
            await send(answer)

    return app


def litestar(body: bytes) -> Any:
    @get("/articles", media_type="application/json")
    async def handler() -> bytes:
        return body

    return Litestar([handler], openapi_config=None, logging_config=None)


def redis(body: bytes, url: str) -> Any:
    client = redis_clients.connect_async(url)

    @get("/articles", media_type="application/json")
    async def handler() -> bytes:
        found = await client.get(KEY)
        return found or body

    return Litestar([handler], openapi_config=None, logging_config=None)


async def serve(app: Any, port: int) -> None:
    server = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI if isinstance(app, Litestar) else Interfaces.ASGINL,
        websockets=False,
        log_enabled=False,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


def run_kind() -> int:
    kind, port, body, *rest = sys.argv[1:]
    make = {"asgi": asgi, "litestar": litestar, "redis": redis}[kind]
    asyncio.run(serve(make(Path(body).read_bytes(), *rest), int(port)))
    return 0


if __name__ == "__main__":
    sys.exit(run_kind())
