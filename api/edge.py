"""Answers a repeated request before it is routed: its raw form is known, and so are the bytes that go out.

A request is known here only after the same bytes - path, query string, Accept - went through routing, guards and the
parameter table once, so nothing is answered here that would be refused there. What depends on who asks is never known
here; who asks, and how often, was looked at before, so wrong credentials and too many requests do not get this far.
"""

import time

from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api import respond, serving
from api.answers import Answer
from api.auth import guards, principal
from api.cache import Alias
from api.deps import Deps


class Edge:
    """Wraps the application. state: where the application's Deps are as soon as it has started."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "GET":
            at: Deps = self._state.deps
            alias = at.cache.alias(respond.target(scope))
            if (
                alias is not None
                and guards.may_read(principal.of(scope))
                and await _answered(at, alias, scope, send)
            ):
                return
        await self._app(scope, receive, send)


async def _answered(at: Deps, alias: Alias, scope: Scope, send: Send) -> bool:
    found = await serving.had(scope, at, alias)
    if found is None:
        return False
    await _send(found.answer, respond.had(found.tier), scope, send)
    return True


async def _send(hit: Answer, status: str, scope: Scope, send: Send) -> None:
    headers = hit.headers(int(time.time()), status)
    known = respond.header_text(scope, b"if-none-match")
    if known is not None and hit.matches(known):
        await send({"type": "http.response.start", "status": 304, "headers": headers[2:]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": hit.body, "more_body": False})
