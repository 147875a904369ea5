"""What one source has published: its items newest first, with the words to search them by."""

from bisect import insort
from collections.abc import Iterable, Iterator
from typing import Any

from deploy.local.upstreams.query import fold

Item = dict[str, Any]
"""One item exactly as the source serves it."""


class Entry:
    """One item, when it appeared, and what the source knows of it without showing it."""

    __slots__ = ("_folded", "at", "facets", "item", "key", "texts")

    def __init__(
        self, key: str, at: float, item: Item, texts: dict[str, str], facets: dict[str, str] | None = None
    ) -> None:
        self.key = key
        self.at = at
        self.item = item
        self.texts = texts
        self.facets = facets or {}
        self._folded: dict[str | None, str] = {}

    def words(self, field: str | None = None) -> str:
        """The folded words of one field (nothing for an unknown one), or of all of them."""
        if field not in self._folded:
            text = "\n".join(self.texts.values()) if field is None else self.texts.get(field, "")
            self._folded[field] = fold(text)
        return self._folded[field]


class Feed:
    """All entries of one source; those dated in the future appear when their time has come."""

    def __init__(self, entries: Iterable[Entry] = (), moved: dict[str, str] | None = None) -> None:
        self.moved = moved or {}
        """Old key of each item that was given another one."""
        self._entries = sorted(entries, key=_newest_first)
        self._by_key = {entry.key: entry for entry in self._entries}
        self.withdrawn: dict[str, str] = {}
        """Key of each withdrawn item, with how it was withdrawn."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str, now: float) -> Entry | None:
        """The entry, withdrawn or not, unless its time has not come."""
        entry = self._by_key.get(key)
        return entry if entry is not None and entry.at <= now else None

    def published(self, now: float) -> Iterator[Entry]:
        """What has appeared by now, newest first, withdrawn items included."""
        return (entry for entry in self._entries if entry.at <= now)

    def add(self, entry: Entry) -> None:
        """Publish an entry, in place of one with the same key."""
        old = self._by_key.pop(entry.key, None)
        if old is not None:
            self._entries.remove(old)
        insort(self._entries, entry, key=_newest_first)
        self._by_key[entry.key] = entry


def _newest_first(entry: Entry) -> tuple[float, str]:
    return (-entry.at, entry.key)
