"""The real process on a real port: ready fast, polite at the end, and rude when it is asked to be."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.processes import free_port

REPOSITORY = Path(__file__).parents[5]
AGENT = "test:news:0 (by /u/nobody)"


def start(*options: str) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    command = [sys.executable, "-m", "deploy.local.upstreams", "--port", str(port), *options]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{base}/health").status_code == 200:
                return process, base
        except httpx.TransportError:
            time.sleep(0.02)
    process.kill()
    process.wait()
    pytest.fail("the simulator did not become ready")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    process, base = start()
    yield base
    process.terminate()
    assert process.wait(timeout=60) == 0


def test_speaks_http(base: str) -> None:
    key = {"X-Api-Key": "a" * 32, "User-Agent": AGENT}
    answer = httpx.get(f"{base}/newsapi/v2/everything", params={"q": "climate"}, headers=key)
    assert answer.json()["status"] == "ok"
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert httpx.get(f"{base}/guardian/search", params={"api-key": "test"}).json()["response"]["results"]
    assert httpx.get(f"{base}/reddit/oauth/r/news/new").status_code == 403


def test_item_addresses_with_slashes(base: str) -> None:
    params = {"api-key": "test"}
    first = httpx.get(f"{base}/guardian/search", params=params).json()["response"]["results"][0]["id"]
    content = httpx.get(f"{base}/guardian/{first}", params=params).json()["response"]["content"]
    assert content["id"] == first


def test_a_dropped_connection(base: str) -> None:
    fault = {"source": "guardian", "kind": "drop", "times": 1}
    httpx.post(f"{base}/_control/faults", json=fault)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{base}/guardian/search", params={"api-key": "test"})
    assert httpx.get(f"{base}/guardian/search", params={"api-key": "test"}).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly(number: signal.Signals) -> None:
    process, _ = start()
    process.send_signal(number)
    assert process.wait(timeout=60) == 0


def test_ends_even_while_an_answer_is_delayed() -> None:
    process, base = start()
    with httpx.Client(base_url=base, timeout=0.3) as kept_alive:
        delay = {"source": "guardian", "kind": "delay", "min_ms": 60_000, "max_ms": 60_000}
        kept_alive.post("/_control/faults", json=delay, timeout=10)
        with pytest.raises(httpx.ReadTimeout):
            kept_alive.get("/guardian/search", params={"api-key": "test"})
        process.terminate()
        assert process.wait(timeout=60) == 0


@pytest.mark.payloads
def test_starts_with_captured_articles(payloads: Path) -> None:
    process, _ = start("--payloads", str(payloads))
    process.terminate()
    assert process.wait(timeout=60) == 0
