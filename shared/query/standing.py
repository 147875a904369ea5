"""What a cached answer depends on, as the one text under which the api registers it and ingest drops it.

Of a query alone it is the canonical text of that. A time or a picture stands behind a character that no query may
have: a release that knows nothing of it cannot read such an entry and drops its answers whatever changes.
"""

from datetime import datetime
from typing import Final

import msgspec

_MARK: Final = "\x1f"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Articles that change an answer: which the query finds, of this time (since <= published_at < until), with or
    without a picture. text: of query and filters, empty when every article is found.
    """

    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    has_image: bool | None = None

    @property
    def bounded(self) -> bool:
        """Whether it asks more of an article than its text does."""
        return (self.since, self.until, self.has_image) != (None, None, None)


class _Bounds(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    since: datetime | None = None
    until: datetime | None = None
    has_image: bool | None = None


def entry(standing: Standing) -> str:
    """Equal for what means the same."""
    if not standing.bounded:
        return standing.text
    bounds = _Bounds(since=standing.since, until=standing.until, has_image=standing.has_image)
    return standing.text + _MARK + msgspec.json.encode(bounds).decode()


def of_entry(entry: str) -> Standing:
    """What cannot be read is changed by every article: its answers go, which is always right."""
    text, mark, rest = entry.partition(_MARK)
    if not mark:
        return Standing(text=text)
    try:
        bounds = msgspec.json.decode(rest, type=_Bounds)
    except msgspec.DecodeError:
        return Standing()
    return Standing(text=text, **msgspec.structs.asdict(bounds))
