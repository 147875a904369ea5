"""From the start of a process to its first answer: the api beside a bare Litestar application, in turns.

Bytecode is there, as in the image: whoever forbids Python to keep it (PYTHONDONTWRITEBYTECODE) would measure how long
our sources take to compile.
"""

import contextlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from deploy.local.processes import Child, free_port
from tests.bench.report import Figure

ROUNDS = 5
READY_SECONDS = 1.5
_POLL_SECONDS = 0.005
_GIVE_UP_SECONDS = 60

# A process that is to listen on a port.
Start = Callable[[int, dict[str, str]], Child]


def figures(api: Start, bare: Start, directory: Path) -> list[Figure]:
    bytecode = {"PYTHONPYCACHEPREFIX": str(directory / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    for start in (api, bare):
        _ready(start, free_port(), bytecode)  # compiles
    rounds = [[_ready(start, free_port(), bytecode) for start in (api, bare)] for _ in range(ROUNDS)]
    (wall, processor), (bare_wall, bare_processor) = (
        [statistics.median(each) for each in zip(*taken, strict=True)] for taken in zip(*rounds, strict=True)
    )
    return [
        Figure(
            name=f"from start to ready, median of {ROUNDS}, beside a bare Litestar application", value=wall, unit="s",
            baseline=bare_wall, ratio=wall / bare_wall, aim=f"< {READY_SECONDS} s", met=wall < READY_SECONDS,
        ),
        Figure(
            name="processor time of that", value=processor, unit="s", baseline=bare_processor,
            ratio=processor / bare_processor,
        ),
    ]  # fmt: skip


def _ready(start: Start, port: int, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the clock, and of the processor."""
    begin = time.perf_counter()
    child = start(port, environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            while time.perf_counter() - begin < _GIVE_UP_SECONDS:
                with contextlib.suppress(httpx.HTTPError):
                    if client.get("/health").status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                        times = psutil.Process(child.pid).cpu_times()
                        return time.perf_counter() - begin, times.user + times.system
                time.sleep(_POLL_SECONDS)
        raise TimeoutError(f"not ready within {_GIVE_UP_SECONDS} s: {child.last_line()}")
    finally:
        child.stop()
