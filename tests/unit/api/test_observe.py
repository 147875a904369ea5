"""The access log."""

import asyncio
import io
import json

import pytest

from api import observe
from api.observe import Access, AccessLog, Observe

pytestmark = pytest.mark.anyio
LINE = Access(timestamp=1.0, method="GET", path="/x", status=200, ms=1.5, request_id="a")


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_lines_are_written_together_after_a_moment(monkeypatch):
    monkeypatch.setattr(observe, "FLUSH_SECONDS", 0.01)
    stream = io.BytesIO()
    log = AccessLog(stream)
    log.add(LINE)
    log.add(LINE)
    assert stream.getvalue() == b""
    await asyncio.sleep(0.03)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [each["path"] for each in lines] == ["/x", "/x"]
    log.flush()
    assert len(stream.getvalue().splitlines()) == 2


async def test_a_silent_log_keeps_nothing():
    log = observe.standard_output("warning")
    log.add(LINE)
    log.flush()
    assert log._lines == []


async def test_what_is_no_request_passes_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append(send)

    async def send(_):
        pass

    await Observe(app, AccessLog(None))({"type": "websocket"}, None, send)
    assert seen == [send]
