"""HEAD (RFC 9110, section 9.3.2): answered as GET, without the content."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Wraps the application, which knows nothing of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            if scope["method"] == "HEAD":
                scope = scope.copy()
                scope["method"] = "GET"
                send = _without_content(send)
            elif scope["method"] != "GET":
                send = _naming_head(send)
        await self._app(scope, receive, send)


def _without_content(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_head


def _naming_head(send: Send) -> Send:
    """Whoever is told that an address takes GET is told of HEAD, too."""

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, value.replace(b"GET", b"GET, HEAD") if name == b"allow" else value)
                for name, value in message["headers"]
            ]
        await send(message)

    return send_named
