"""The upstream simulator as a real process, and what tests do to it."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import settings
from deploy.local.processes import free_port

REPOSITORY = Path(__file__).parents[1]
START_SECONDS = 30


class Upstreams:
    """NewsAPI, the Guardian and Reddit on one local port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._control = httpx.Client(base_url=self.url, timeout=10)

    def env(self) -> dict[str, str]:
        """The NEWSINTEL_* variables that point at the simulator, with keys that it knows."""
        return settings.sources({}, self.url, captured=False).environment

    def faults(self, source: str, kind: str, **details: Any) -> list[str]:
        """Set one fault; see deploy.local.upstreams for the kinds. Returns the keys that `withdraw` withdrew."""
        return self._post("/_control/faults", {"source": source, "kind": kind, **details})["withdrawn"]

    def clear_faults(self) -> None:
        self._control.delete("/_control/faults").raise_for_status()

    def calls(self, last: int = 50) -> dict[str, Any]:
        """{"counts": {source: n}, "limited": {source: n}, "last": [...]} since the last reset."""
        return self._control.get("/_control/calls", params={"last": last}).raise_for_status().json()

    def count(self, source: str) -> int:
        return self.calls()["counts"][source]

    def change(self, **values: Any) -> None:
        """Change the simulator's own settings, for example newsapi_plan="business"."""
        self._post("/_control/settings", values)

    def publish(self, source: str, *items: dict[str, Any]) -> None:
        """New articles; missing fields are filled in."""
        self._post("/_control/articles", {"source": source, "items": list(items)})

    def reset(self) -> None:
        """Back to how it started."""
        self._post("/_control/reset", {})

    def close(self) -> None:
        self._control.close()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._control.post(path, json=body).raise_for_status().json()


@pytest.fixture(scope="session")
def upstreams() -> Iterator[Upstreams]:
    """The running simulator; call .reset() before relying on its state."""
    with running() as simulator:
        yield simulator


@contextlib.contextmanager
def running(*options: str) -> Iterator[Upstreams]:
    """A simulator process of its own; options: of its command line."""
    port = free_port()
    command = [sys.executable, "-m", "deploy.local.upstreams", "--port", str(port), *options]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process:
        simulator = Upstreams(port)
        try:
            _wait_until_ready(simulator.url, process)
            yield simulator
        finally:
            simulator.close()
            process.terminate()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the simulator ended with {process.returncode}"
        try:
            if httpx.get(f"{url}/health").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"the simulator was not ready within {START_SECONDS} s")
