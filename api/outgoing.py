"""The answer to a request as every layer around the application sees it: one wrapper of `send` serves them all."""

from typing import Final

import msgspec
from litestar.types import Message, Scope, Send

from api.answers import Headers

_NAME: Final = "newsintel.outgoing"


class Outgoing(msgspec.Struct):
    """added: headers that layers add to whatever answer there will be; status: of the answer, 0 before it begins."""

    added: Headers
    status: int = 0


def begin(scope: Scope, send: Send) -> tuple[Outgoing, Send]:
    """Once for each request, by its outermost layer. What it returns sends answers with what was added."""
    outgoing = scope["state"][_NAME] = Outgoing([])

    async def send_with_added(message: Message) -> None:
        if message["type"] == "http.response.start":
            outgoing.status = message["status"]
            message["headers"] = [*message["headers"], *outgoing.added]
        await send(message)

    return outgoing, send_with_added


def of(scope: Scope) -> Outgoing:
    found: Outgoing = scope["state"][_NAME]
    return found
