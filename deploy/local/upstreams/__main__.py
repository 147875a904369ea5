"""Run the simulator: `python -m deploy.local.upstreams --port N`."""

import argparse
import asyncio
import gc
import os
import signal
from pathlib import Path

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from litestar import Litestar

from deploy.local.upstreams.app import Options, create_app

GRACE_SECONDS = 2


def main() -> None:
    """Parse the command line and serve until a signal comes."""
    parser = argparse.ArgumentParser(
        prog="deploy.local.upstreams", description="NewsAPI, Guardian and Reddit, simulated."
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--payloads", type=Path, metavar="DIR", help="serve captured articles instead of made-up ones"
    )
    parser.add_argument("--keep-dates", action="store_true", help="do not move captured articles to now")
    parser.add_argument("--plan", choices=["developer", "business"], help="the NewsAPI plan")
    given = parser.parse_args()
    if given.payloads is not None and not given.payloads.is_dir():
        parser.error(f"--payloads: {given.payloads} is not a folder")
    app = create_app(Options(payloads=given.payloads, keep_dates=given.keep_dates, plan=given.plan))
    gc.freeze()  # the articles stay for good: no later collection has to walk them
    print(f"upstream simulator on http://{given.host}:{given.port}", flush=True)
    asyncio.run(_serve(app, given.host, given.port))


async def _serve(app: Litestar, host: str, port: int) -> None:
    """One process, since all state is in memory: Granian's embedded server on this event loop."""
    server = Server(app, address=host, port=port, interface=Interfaces.ASGI, log_level=LogLevels.error)
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.call_soon(server.stop)
        # An answer that a fault delays must not hold up the end; nothing is lost, all state is in memory.
        loop.call_later(GRACE_SECONDS, os._exit, 0)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    await server.serve()


if __name__ == "__main__":
    main()
