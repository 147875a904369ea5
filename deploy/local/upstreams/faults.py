"""What can go wrong on request: which fault meets which call, and what it does to the answer."""

import random
from http import HTTPStatus
from typing import Any, Literal

import msgspec

from deploy.local.upstreams.feed import Item

Source = Literal["newsapi", "guardian", "reddit", "reddit_token"]
Kind = Literal[
    "delay", "status", "truncate", "html", "huge", "wrong_types", "nulls", "endless", "withdraw", "drop"
]
MEGABYTE = 1_000_000
ITEM_FIELDS = {
    "newsapi": ("title", "publishedAt", "url"),
    "guardian": ("webTitle", "webPublicationDate", "webUrl"),
    "reddit": ("title", "created_utc", "url"),
}
_HTML = (
    b"<!doctype html><html><head><title>Just a moment...</title></head>"
    b"<body><h1>Checking your browser</h1><p>This page will reload by itself.</p></body></html>"
)


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One fault; the parameters that its kind does not use are ignored."""

    source: Source
    kind: Kind
    times: int | None = None
    """How many calls it meets; None until it is cleared."""
    match: str | None = None
    """Only calls whose path contains this."""
    min_ms: int = 0
    max_ms: int = 0
    status: int | None = None
    """For `status` (default 503) and `html` (default 200)."""
    retry_after: int | None = None
    size_mb: int = 11
    items: int | None = 1
    """How many items `wrong_types` and `nulls` spoil; None for all of them."""
    fields: list[str] | None = None
    """Which fields of an item they spoil; None for title, date and url."""
    where: Literal["items", "container"] = "items"
    """`wrong_types` in `container` makes the list of items an object."""
    keys: list[str] = msgspec.field(default_factory=list)
    """What `withdraw` withdraws: NewsAPI urls, Guardian ids, Reddit fullnames; else the `items` newest."""
    how: Literal["removed", "deleted", "gone"] = "removed"
    """Reddit: removed by a moderator or deleted by its author; Guardian: `gone` stays readable as isGone."""

    def meets(self, source: str, path: str) -> bool:
        """Whether it applies to this call."""
        used_up = self.times is not None and self.times <= 0
        return self.source == source and not used_up and (self.match is None or self.match in path)


class Answer(msgspec.Struct):
    """A whole HTTP answer, before it is sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def become(self, body: bytes, content_type: bytes, status: int | None = None) -> None:
        """Replace the body."""
        self.body = body
        self.status = status or self.status
        self.headers = [pair for pair in self.headers if pair[0].lower() != b"content-type"]
        self.headers.append((b"content-type", content_type))


class Faults:
    """The faults that are set, in the order they were set."""

    def __init__(self) -> None:
        self._set: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set one more."""
        self._set.append(fault)

    def clear(self, source: str | None = None) -> None:
        """Lift all of them, or those of one source."""
        self._set = [fault for fault in self._set if source is not None and fault.source != source]

    def pending(self) -> list[Fault]:
        """Those that can still meet a call."""
        return [fault for fault in self._set if fault.times is None or fault.times > 0]

    def meeting(self, source: str, path: str) -> list[Fault]:
        """The faults of this call; each is used once more."""
        met = [fault for fault in self._set if fault.kind != "withdraw" and fault.meets(source, path)]
        for fault in met:
            if fault.times is not None:
                fault.times -= 1
        return met


def delay_seconds(fault: Fault, dice: random.Random) -> float:
    """How long this call has to wait."""
    return dice.uniform(fault.min_ms, max(fault.min_ms, fault.max_ms)) / 1_000


def refusal(fault: Fault) -> Answer:
    """What a `status` fault answers in the source's place: an error in its shape, or nothing at all for most 5xx."""
    status = fault.status or 503
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    return Answer(
        status, headers, msgspec.json.encode(error) if (error := _error(fault.source, status)) else b""
    )


def _error(source: Source, status: int) -> Item | None:
    if source == "newsapi" and status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR}:
        code = "rateLimited" if status == HTTPStatus.TOO_MANY_REQUESTS else "unexpectedError"
        return {"status": "error", "code": code, "message": "This shouldn't happen, it is a simulated fault."}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    if source == "newsapi":
        return {"status": "error", "code": "unexpectedError", "message": f"A simulated {status}."}
    if source == "guardian":
        return {
            "message": "API rate limit exceeded"
            if status == HTTPStatus.TOO_MANY_REQUESTS
            else f"A simulated {status}"
        }
    return {"message": f"A simulated {status}", "error": status}


def spoil(fault: Fault, answer: Answer) -> None:
    """Apply a fault that changes the answer itself."""
    match fault.kind:
        case "truncate":
            answer.body = answer.body[: max(1, len(answer.body) * 3 // 5)]
        case "html":
            answer.become(_HTML, b"text/html; charset=utf-8", fault.status or 200)
        case "huge":
            answer.body = _padded(answer.body, fault.size_mb * MEGABYTE)
        case "wrong_types" | "nulls" if answer.status == HTTPStatus.OK:
            answer.body = _respoilt(fault, answer.body)
        case _:
            pass


def _padded(body: bytes, size: int) -> bytes:
    try:
        content = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body + b" " * size
    return (
        msgspec.json.encode({**content, "padding": "x" * size})
        if isinstance(content, dict)
        else body + b" " * size
    )


def _respoilt(fault: Fault, body: bytes) -> bytes:
    content = msgspec.json.decode(body)
    holder, name = _items_place(fault.source, content)
    if name not in holder:
        return body
    if fault.kind == "wrong_types" and fault.where == "container":
        holder[name] = {str(number): item for number, item in enumerate(holder[name])}
        return msgspec.json.encode(content)
    for item in holder[name][: fault.items]:
        fields = item["data"] if fault.source == "reddit" else item
        for field in fault.fields or ITEM_FIELDS[fault.source]:
            fields[field] = None if fault.kind == "nulls" else _wrong(fields.get(field))
    return msgspec.json.encode(content)


def _items_place(source: Source, content: Any) -> tuple[Item, str]:
    """The object that holds the list of items, and under which name."""
    if not isinstance(content, dict):
        return {}, ""
    match source:
        case "newsapi":
            return content, "articles"
        case "guardian":
            return content.get("response", {}), "results"
        case "reddit":
            return content.get("data", {}), "children"
        case "reddit_token":
            return {}, ""


def _wrong(value: object) -> object:
    """A value of another type than it was."""
    return 1_700_000_000 if isinstance(value, str) else {"value": str(value)}
