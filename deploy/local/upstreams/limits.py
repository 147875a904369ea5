"""Counting calls in fixed windows that start at multiples of their length since 1970: a day ends at midnight UTC."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What one caller has used of a window, after this call."""

    allowed: bool
    used: int
    remaining: int
    reset: int
    """Whole seconds until the window ends, at least 1."""


class FixedWindows:
    """Calls per caller in the current window; a refused call is not counted."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, int], tuple[int, int]] = {}

    def take(self, caller: str, now: float, *, limit: int | None, seconds: int) -> Usage:
        """Count one call, unless the limit (None: no limit) is reached."""
        window = int(now // seconds)
        reset = max(1, int((window + 1) * seconds - now))
        last, used = self._used.get((caller, seconds), (window, 0))
        used = used if last == window else 0
        if limit is not None and used >= limit:
            return Usage(allowed=False, used=used, remaining=0, reset=reset)
        self._used[caller, seconds] = (window, used + 1)
        remaining = max(0, limit - used - 1) if limit is not None else 1_000_000
        return Usage(allowed=True, used=used + 1, remaining=remaining, reset=reset)

    def clear(self) -> None:
        """Forget every count."""
        self._used.clear()
