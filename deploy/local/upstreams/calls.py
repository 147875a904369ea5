"""The log of requests that the sources received, without anybody's keys."""

from collections import Counter, deque
from urllib.parse import parse_qsl, urlencode

import msgspec

KEPT = 1_000
_SECRET_NAMES = frozenset(
    {"apikey", "api-key", "code", "token", "access_token", "refresh_token", "client_secret"}
)


class Call(msgspec.Struct):
    """One request and how it was answered."""

    source: str
    method: str
    path: str
    query: str
    status: int
    at: float
    limited: bool
    """The source's own limit refused it (a 429 made by a fault does not count)."""
    fault: str | None = None


class CallLog:
    """Counts per source since the last clearing, and the latest calls."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.limited: Counter[str] = Counter()
        self._latest: deque[Call] = deque(maxlen=KEPT)

    def record(self, call: Call) -> None:
        """Count and keep one call."""
        self.counts[call.source] += 1
        self.limited[call.source] += call.limited
        self._latest.append(call)

    def latest(self, count: int) -> list[Call]:
        """The newest calls, oldest of them first."""
        return list(self._latest)[-count:] if count > 0 else []

    def clear(self) -> None:
        """Forget everything."""
        self.counts.clear()
        self.limited.clear()
        self._latest.clear()


def redacted(query: str) -> str:
    """A query string whose keys, codes and tokens read `***`."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode(
        [(name, "***" if name.lower() in _SECRET_NAMES and value else value) for name, value in pairs]
    )
