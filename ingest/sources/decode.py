"""From bytes to records, so that one bad record never spoils a page."""

import json
from collections.abc import Callable
from typing import TypeVar

import msgspec

from ingest.article import Outcome, Quarantined
from ingest.sources.http import Answer
from shared.errors import BadAnswerError

T = TypeVar("T")
_LONGEST = 300  # characters of what an upstream says
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def envelope(source: str, answer: Answer, kind: type[T]) -> T:
    """Decode an envelope whose records are msgspec.Raw. Raises BadAnswerError."""
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except _UNDECODABLE as error:
        problem = str(error)
    try:
        # Some damage inside one string (half a surrogate pair) stops msgspec even where it only skips over it; the
        # standard library lets it pass, and the record itself is quarantined later.
        return msgspec.json.decode(_respelt(answer.body), type=kind)
    except (*_UNDECODABLE, ValueError):
        raise BadAnswerError(source, _describe(answer, problem)) from None


def record(source: str, raw: bytes, kind: type[T], understand: Callable[[T], Outcome]) -> Outcome:
    """Decode one record and give it its fate; what cannot be decoded is quarantined with its original."""
    try:
        decoded = msgspec.json.decode(raw, type=kind)
    except _UNDECODABLE as error:
        return Quarantined(source=source, reason="undecodable", detail=str(error), original=bytes(raw))
    return understand(decoded)


def shortened(text: str) -> str:
    """An upstream's sentence, fit for one line of a log."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def _respelt(body: bytes) -> bytes:
    """The same JSON with its odd escapes as plain bytes, over which msgspec can skip."""
    return json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _describe(answer: Answer, problem: str) -> str:
    if answer.is_html():
        return f"it answered {answer.status} with HTML instead of JSON"
    return f"it answered {answer.status} with a body that is not as agreed: {shortened(problem)}"
