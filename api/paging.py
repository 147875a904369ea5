"""Pages of a user's own lists: where one ended, so that the next neither repeats nor skips while rows come and go."""

import base64
import binascii
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from api.kinds import Integer, Text
from api.params import Parameter
from shared.errors import BadParameterError

T = TypeVar("T")

CURSOR = Parameter(
    name="cursor",
    kind=Text(longest=200),
    description="`next` of the page before.",
    example="WyIyMDI2LTAxLTMxVDE4OjAwOjAwWiIsNDJd",
)
LIMIT = Parameter(
    name="limit",
    kind=Integer(lowest=1, highest=100),
    description="Entries on one page.",
    example=20,
    default=20,
)


def write(at: datetime, last: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((at, last))).decode().rstrip("=")


def read(text: str | None, kind: type[T]) -> tuple[datetime, T] | None:
    """Raises BadParameterError."""
    if not text:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=tuple[datetime, kind])  # type: ignore[valid-type]
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise BadParameterError("cursor", "it is not one of ours", "use `next` of the page before") from None
