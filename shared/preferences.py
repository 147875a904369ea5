"""What a user can prefer: the type of each preference by its key. A new kind is a line here and no migration."""

import zoneinfo
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from shared.errors import BadParameterError
from shared.sources import SourceName

Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*\Z")]

KINDS: Final[dict[str, Any]] = {
    "sources": Annotated[list[SourceName], Meta(min_length=1, max_length=3)],
    "outlets_hidden": Annotated[list[Name], Meta(max_length=200)],
    "topics": Annotated[list[Name], Meta(max_length=50)],
    "language": Annotated[str, Meta(pattern=r"^[a-z]{2}\Z")],
    "time_zone": Annotated[str, Meta(max_length=64)],
    # Off: searches are counted for trends, without the user.
    "search_history": bool,
}


def check(key: str, value: Any) -> Any:
    """The value as it is stored (lists without repetitions). Raises BadParameterError: unknown key or wrong value."""
    if key not in KINDS:
        raise BadParameterError(key, "is not a preference", f"use one of {', '.join(KINDS)}")
    try:
        checked = msgspec.convert(value, KINDS[key])
    except msgspec.ValidationError as error:
        raise BadParameterError(key, str(error), _ALLOWED[key]) from None
    if key == "time_zone" and checked not in zoneinfo.available_timezones():
        raise BadParameterError(key, "is not known", _ALLOWED[key])
    return list(dict.fromkeys(checked)) if isinstance(checked, list) else checked


_ALLOWED: Final = {
    "sources": "a list of newsapi, guardian, reddit",
    "outlets_hidden": "a list of at most 200 outlet names",
    "topics": "a list of at most 50 subjects",
    "language": "an ISO 639-1 code such as en",
    "time_zone": "an IANA name such as Europe/Berlin",
    "search_history": "true or false",
}
