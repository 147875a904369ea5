"""The ASGI middleware that every source's answer passes: faults before it, faults in it, and the log of calls."""

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from deploy.local.upstreams import endless, faults
from deploy.local.upstreams.calls import Call, redacted
from deploy.local.upstreams.faults import Answer, Fault
from deploy.local.upstreams.state import Simulator

PREFIXES = {
    "/newsapi/": "newsapi",
    "/guardian/": "guardian",
    "/reddit/www/": "reddit_token",
    "/reddit/oauth/": "reddit",
}


def source_of(path: str) -> str | None:
    """Which source a path belongs to; the control API belongs to none."""
    return next((source for prefix, source in PREFIXES.items() if path.startswith(prefix)), None)


def exchange(simulator: Simulator) -> Callable[[ASGIApp], ASGIApp]:
    """Make the middleware for one simulator."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            source = source_of(scope["path"])
            if source is None:
                await app(scope, receive, send)
                return
            met = simulator.faults.meeting(source, scope["path"])
            answer = await _answered(simulator, met, app, scope, receive)
            _log(simulator, source, scope, answer, met)
            await _send(answer, send, drop=any(fault.kind == "drop" for fault in met))

        return handle

    return wrap


async def _answered(
    simulator: Simulator, met: list[Fault], app: ASGIApp, scope: Scope, receive: Receive
) -> Answer:
    for fault in met:
        if fault.kind == "delay":
            await asyncio.sleep(faults.delay_seconds(fault, simulator.dice))
    for fault in met:
        if fault.kind == "status":
            return faults.refusal(fault)
    answer = await _collected(app, scope, receive)
    for fault in met:
        if fault.kind == "endless" and answer.status in {200, 400, 426}:
            endless.fill(simulator, fault.source, scope, answer)
        faults.spoil(fault, answer)
    return answer


async def _collected(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """Run the application and keep its answer instead of sending it."""
    answer = Answer(500, [], b"")
    parts: list[bytes] = []

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = list(message["headers"])
        elif message["type"] == "http.response.body":
            parts.append(message["body"])

    await app(scope, receive, collect)
    answer.body = b"".join(parts)
    return answer


def _log(simulator: Simulator, source: str, scope: Any, answer: Answer, met: list[Fault]) -> None:
    made = next((fault.kind for fault in met), None)
    simulator.calls.record(
        Call(
            source=source,
            method=scope["method"],
            path=scope["path"],
            query=redacted(scope["query_string"].decode()),
            status=answer.status,
            at=time.time(),
            limited=answer.status == HTTPStatus.TOO_MANY_REQUESTS
            and not any(fault.kind == "status" for fault in met),
            fault=made,
        )
    )


async def _send(answer: Answer, send: Send, *, drop: bool) -> None:
    headers = [pair for pair in answer.headers if pair[0].lower() != b"content-length"]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if drop:
        # Returning before the promised length makes the server close the connection in the middle of the answer.
        await send(
            {"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True}
        )
        return
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
