"""Measures in memory: plain numbers since the process started, which the writers read whenever it suits them.

A measurement costs less than a microsecond and does no I/O, so that it may stand in the way of every request.
"""

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from shared.metrics import METRICS, Key, Level, Seen, Spread

# Milliseconds: 0.1 ms to 100 s in steps of 12 %, which is how far a percentile may be off.
BOUNDS: Final = tuple(float(f"{10 ** (step / 20 - 1):.3g}") for step in range(121))


class _Timing:
    def __init__(self) -> None:
        self.milliseconds = 0.0
        self.buckets = [0] * (len(BOUNDS) + 1)  # the last: longer than every bound


class Meter:
    """The port's one implementation; every thread of the process may use it."""

    def __init__(self) -> None:
        self._counts: dict[Key, int] = defaultdict(int)
        self._gauges: dict[Key, Level] = {}
        self._timings: dict[Key, _Timing] = defaultdict(_Timing)
        self._watched: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def watch(self, measure: Callable[[], None]) -> None:
        """Have `measure` called before every reading: for a level that nobody announces."""
        self._watched.append(measure)

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        key = _key(name, dimensions)
        with self._lock:
            self._counts[key] += value

    def gauge(self, name: str, value: float, **dimensions: str) -> None:
        key = _key(name, dimensions)
        with self._lock:
            self._gauges[key] = Level(value, time.monotonic())

    def timing(self, name: str, milliseconds: float, **dimensions: str) -> None:
        key = _key(name, dimensions)
        with self._lock:
            timing = self._timings[key]
            timing.milliseconds += milliseconds
            timing.buckets[bisect_left(BOUNDS, milliseconds)] += 1

    def seen(self) -> Seen:
        for measure in self._watched:
            measure()
        with self._lock:
            return Seen(
                dict(self._counts),
                dict(self._gauges),
                {key: Spread(each.milliseconds, tuple(each.buckets)) for key, each in self._timings.items()},
            )


def _key(name: str, dimensions: dict[str, str]) -> Key:
    """Of one dimension or none there is no order to look up, and every request pays for this."""
    if len(dimensions) < 2:  # noqa: PLR2004
        return name, tuple(dimensions.values())
    return name, tuple(dimensions[each] for each in METRICS[name].dimensions)
