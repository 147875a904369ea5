"""Following one redirect of a source by hand: each hop is a call of its own, and the key stays on its host."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec

from ingest.ports import Priority
from ingest.sources.call import Caller
from ingest.sources.http import Answer, Request
from shared.errors import BadAnswerError

T = TypeVar("T")
_MOVED = frozenset({301, 302, 303, 307, 308})


class Moved(msgspec.Struct, frozen=True):
    """The source has it elsewhere; location as sent."""

    location: str


def moved(answer: Answer) -> Moved | None:
    """The redirect that an answer is, if it is one."""
    return Moved(answer.headers.get("location", "")) if answer.status in _MOVED else None


def call_following(
    source: str, caller: Caller, request: Request, read: Callable[[Answer], T | Moved], priority: Priority
) -> T:
    """Call, and once more at the new place with the same parameters. Raises what Caller.call raises."""
    first = caller.call(request, read, priority)
    if not isinstance(first, Moved):
        return first
    old, new = urlsplit(request.url), urlsplit(urljoin(request.url, first.location))
    if (old.scheme, old.netloc) != (new.scheme, new.netloc):
        raise BadAnswerError(source, f"it redirects to another host: {new.netloc}")
    # Without the location's query: it may repeat the key.
    there = msgspec.structs.replace(request, url=urlunsplit((*new[:3], "", "")))
    second = caller.call(there, read, priority)
    if isinstance(second, Moved):
        raise BadAnswerError(source, "it redirects again and again")
    return second
