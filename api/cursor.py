"""Where a reader has come to in a list: opaque, signed, and good for the search that it came from alone."""

import base64
import binascii
import functools
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

import msgspec

from shared.errors import BadCursorError

_DIGEST: Final = 8
# A forger would need 2^63 tries, and gains a page that a plain request shows as well.
_SIGNATURE: Final = 8
# The 200 ids of the ranked part take at most 2,220 characters, though each differed from the least by eight bytes.
LONGEST: Final = 3_000
# A Cursor as it travels: its fields in their order.
_Wire = tuple[int, int, bool, int, bytes, int, int]


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """What the next page needs to know, so that it neither repeats nor skips what was there from the first page on.

    page: its number; total and relation: as counted for the first page; newest: the largest article id there was then
    (ids are given in the order of commits, so whatever came later is larger);
    ranked: articles of the ranked part whose stories are still to be told, in order - all of them, so that a story is
    told by another one when the one that stands for it leaves;
    at and id: the last article before what follows by date (at: microseconds since 1970).
    """

    page: int
    total: int
    exact: bool
    newest: int
    ranked: list[int]
    at: int
    id: int


class Cursors:
    """Signs and reads cursors. secret: the same in all processes that serve one archive."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.blake2b(b"newsintel cursor\0" + secret.encode(), digest_size=32).digest()

    def write(self, cursor: Cursor, search: str) -> str:
        """search: the canonical name of the search that the cursor belongs to."""
        *front, ranked, at, id_ = msgspec.structs.astuple(cursor)
        body = _named(search) + msgspec.msgpack.encode((*front, _packed(ranked), at, id_))
        return base64.urlsafe_b64encode(self._signed(body) + body).rstrip(b"=").decode()

    def read(self, text: str, search: str) -> Cursor:
        """Raises BadCursorError."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise BadCursorError("cursor_malformed", "it is not one that this api gave out") from None
        signature, body = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._signed(body)):
            raise BadCursorError("cursor_malformed", "it is damaged, or it is not one that this api gave out")
        if body[:_DIGEST] != _named(search):
            raise BadCursorError("cursor_of_another_search", "it belongs to another search")
        try:
            page, total, exact, newest, ranked, at, id_ = msgspec.msgpack.decode(body[_DIGEST:], type=_Wire)
        except msgspec.DecodeError:
            raise BadCursorError("cursor_malformed", "it was given out by another release") from None
        return Cursor(
            page=page, total=total, exact=exact, newest=newest, ranked=_unpacked(ranked), at=at, id=id_
        )

    def _signed(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, key=self._key, digest_size=_SIGNATURE).digest()


@functools.cache
def of(secret: str) -> Cursors:
    return Cursors(secret)


def _named(search: str) -> bytes:
    return hashlib.blake2b(search.encode(), digest_size=_DIGEST).digest()


def _packed(ids: Sequence[int]) -> bytes:
    """Differences to the smallest, all in as few bytes as the largest takes: the newest matches have near ids."""
    if not ids:
        return b""
    least = min(ids)
    width = (max(ids) - least).bit_length() // 8 + 1
    return b"".join([bytes([width]), least.to_bytes(8), *((each - least).to_bytes(width) for each in ids)])


def _unpacked(packed: bytes) -> list[int]:
    if not packed:
        return []
    width, least = packed[0], int.from_bytes(packed[1:9])
    return [least + int.from_bytes(packed[n : n + width]) for n in range(9, len(packed), width)]
