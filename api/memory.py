"""The memory tier: the answers that this process gave lately, bounded in number, bytes and seconds. It does no I/O."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

import msgspec


class Sized(Protocol):
    """What can be kept: it knows how many bytes it takes."""

    @property
    def size(self) -> int: ...


T = TypeVar("T", bound=Sized)


class Counts(msgspec.Struct, kw_only=True):
    """Since the process started. expired: found too old; dropped: taken out because an article changed them."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    expired: int = 0
    dropped: int = 0


class Memory(Generic[T]):
    """Least recently used goes first. Switched off it keeps nothing and finds nothing."""

    def __init__(
        self, *, entries: int, max_bytes: int, seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._entries: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._most = entries
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._now = now
        self._on = False
        self.bytes = 0
        self.counts = Counts()
        # Grows with every drop: whoever read an answer elsewhere before a drop must not put it here after it.
        self.drops = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_on(self) -> bool:
        return self._on

    def switch(self, *, on: bool) -> None:
        """Off while nobody tells us what was dropped; whatever was kept before is forgotten either way."""
        self._on = on and self._seconds > 0
        self.drops += 1
        self._entries.clear()
        self.bytes = 0

    def get(self, name: str) -> T | None:
        found = self._entries.get(name)
        if found is None:
            self.counts.misses += 1
            return None
        if found[0] <= self._now():
            self._remove(name)
            self.counts.expired += 1
            self.counts.misses += 1
            return None
        self._entries.move_to_end(name)
        self.counts.hits += 1
        return found[1]

    def put(self, name: str, value: T, *, seconds: float, drops: int) -> None:
        """Keep it for its own seconds, or the few that anything is kept here.

        drops: what `drops` was before the value was read; it is forgotten when something was dropped since.
        """
        if not self._on or drops != self.drops or value.size > self._max_bytes:
            return
        self._remove(name)
        self._entries[name] = (self._now() + min(seconds, self._seconds), value)
        self.bytes += value.size
        while len(self._entries) > self._most or self.bytes > self._max_bytes:
            _, (_, oldest) = self._entries.popitem(last=False)
            self.bytes -= oldest.size
            self.counts.evictions += 1

    def drop(self, names: Iterable[str]) -> None:
        self.drops += 1
        self.counts.dropped += sum(self._remove(name) for name in names)

    def _remove(self, name: str) -> bool:
        found = self._entries.pop(name, None)
        if found is not None:
            self.bytes -= found[1].size
        return found is not None
