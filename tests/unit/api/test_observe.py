"""The access log."""

import asyncio
import io
import json

import pytest

from api import observe
from api.observe import Access, AccessLog, Observe
from shared.meter import Meter

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

    await Observe(app, AccessLog(None), Meter())({"type": "websocket"}, None, send)
    assert seen == [send]


@pytest.mark.parametrize(
    ("path", "status", "timed"),
    [
        ("/articles", 200, True),
        ("/articles", 304, True),
        ("/articles", 400, False),
        ("/stories/1", 200, False),
        # The api grows by the average of its tasks, in which an idle one is by what the balancer asks.
        ("/health/alive", 200, False),
    ],
)
async def test_each_answer_is_counted_and_a_list_is_timed_to_its_last_byte(path, status, timed):
    meter, at_the_last_byte = Meter(), []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(_):
        at_the_last_byte.append(meter.seen())

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "state": {}}
    await Observe(app, AccessLog(None), meter)(scope, None, send)
    seen = meter.seen()
    assert seen.counts == {("http_requests", (f"{status // 100}xx",)): 1}
    assert list(seen.timings) == [("search_duration", ())] * timed
    assert at_the_last_byte == [({}, {}, {})] * 2


async def test_a_caller_who_left_before_the_answer_got_none():
    meter = Meter()

    async def app(scope, receive, send):
        raise asyncio.CancelledError

    scope = {"type": "http", "method": "GET", "path": "/articles", "headers": [], "state": {}}
    with pytest.raises(asyncio.CancelledError):
        await Observe(app, AccessLog(None), meter)(scope, None, None)
    assert meter.seen() == ({}, {}, {})
