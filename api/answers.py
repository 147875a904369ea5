"""What goes out, as bytes with everything that is known about them; and the form in which Redis keeps it."""

import hashlib
import struct
from typing import Any, Final

import msgspec

JSON: Final = "application/json"
# In front of what is stored: tag, made at, expires at (unix seconds), milliseconds it cost, stories found, and the
# lengths of media type and Link header, which stand between this and the body.
_HEAD: Final = struct.Struct(">16sIIIIII")
# Part of every name, so that a release with another form never reads this one.
_FORM: Final = 3

Headers = list[tuple[bytes, bytes]]


class Answer(msgspec.Struct, kw_only=True):
    """A body with its strong entity tag. It does not change, except for what it remembers of its own headers.

    made_at, expires_at: unix seconds, 0 as long as it is not kept; cost_ms: what making it took; total: stories found.
    """

    body: bytes
    tag: str
    media_type: str = JSON
    link: str = ""
    made_at: int = 0
    expires_at: int = 0
    cost_ms: int = 0
    total: int = 0
    _status: str = ""
    _second: int = -1
    _headers: Headers = []

    @property
    def size(self) -> int:
        """Bytes in memory, with a generous share for what Python adds."""
        return len(self.body) + 1_000

    def ttl(self, now: int) -> int:
        return max(0, self.expires_at - now)

    def headers(self, now: int, status: str) -> Headers:
        """The response's headers; made once a second for each answer, because only ages change.

        status: the rest of Cache-Status (RFC 9211) after the name of this cache.
        """
        if now != self._second or status != self._status:
            self._headers = self._made_headers(now, status)
            self._second, self._status = now, status
        return self._headers

    def _made_headers(self, now: int, status: str) -> Headers:
        lifetime = f"; ttl={self.ttl(now)}" if self.expires_at else ""
        headers = [
            (b"content-type", self.media_type.encode()),
            (b"content-length", str(len(self.body)).encode()),
            *self.validators(),
            (b"cache-status", f"newsintel; {status}{lifetime}".encode()),
        ]
        if self.expires_at:
            headers.append((b"age", str(max(0, now - self.made_at)).encode()))
        return headers

    def validators(self) -> Headers:
        """What a 304 repeats. `no-cache` lets a client keep the answer and makes it ask whether it still holds."""
        headers = [(b"etag", f'"{self.tag}"'.encode()), (b"cache-control", b"no-cache"), (b"vary", b"Accept")]
        return [*headers, (b"link", self.link.encode())] if self.link else headers

    def matches(self, known: str) -> bool:
        """Weak comparison, as RFC 9110 wants it for If-None-Match: a proxy that compresses marks tags as weak."""
        return any(each.strip().removeprefix("W/") in {"*", f'"{self.tag}"'} for each in known.split(","))


def answer(body: bytes, *, media_type: str = JSON, link: str = "", total: int = 0) -> Answer:
    """A new answer that is not kept yet. The tag is of all that a client sees of it."""
    seen = hashlib.blake2b(f"{link}\0".encode(), digest_size=16)
    seen.update(body)
    return Answer(body=body, tag=seen.hexdigest(), media_type=media_type, link=link, total=total)


def digest(value: Any) -> str:
    """32 hex characters that name a canonical request."""
    return hashlib.blake2b(msgspec.json.encode((_FORM, value)), digest_size=16).hexdigest()


def pack(kept: Answer) -> bytes:
    media_type, link = kept.media_type.encode(), kept.link.encode()
    head = _HEAD.pack(
        bytes.fromhex(kept.tag),
        kept.made_at,
        kept.expires_at,
        kept.cost_ms,
        kept.total,
        len(media_type),
        len(link),
    )
    return b"".join((head, media_type, link, kept.body))


def unpack(raw: bytes) -> Answer:
    tag, made_at, expires_at, cost_ms, total, type_length, link_length = _HEAD.unpack_from(raw)
    link_at = _HEAD.size + type_length
    return Answer(
        body=raw[link_at + link_length :],
        tag=tag.hex(),
        media_type=raw[_HEAD.size : link_at].decode(),
        link=raw[link_at : link_at + link_length].decode(),
        made_at=made_at,
        expires_at=expires_at,
        cost_ms=cost_ms,
        total=total,
    )
