"""Writes metrics in the Prometheus text format (version 0.0.4), in that format's own units and forms of names.

count -> counter `_total`; gauge -> gauge; timing -> histogram; milliseconds -> `_seconds`, percent -> `_ratio`.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final, TypeVar

from shared.meter import BOUNDS
from shared.metrics import TABLE, Key, Kind, Metric, Metrics, Seen, Spread

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# A gauge that was not renewed for so long is no longer true: the scheduler lost its lease, the source is gone. Longer
# than two rounds of ingest.gauges.
FRESH_SECONDS: Final = 75.0
# Of the meter's bounds every fourth: five steps for a factor of ten.
_EVERY: Final = 4

T = TypeVar("T")

_TYPES: Final = {Kind.COUNT: "counter", Kind.GAUGE: "gauge", Kind.TIMING: "histogram"}
# By CloudWatch's unit: what is appended to the name, and how many of it are one of Prometheus's.
_UNITS: Final = {
    "Count": ("", 1),
    "Seconds": ("_seconds", 1),
    "Milliseconds": ("_seconds", 1_000),
    "Percent": ("_ratio", 100),
}


def exposition(metrics: Metrics) -> bytes:
    """All that this process has measured so far."""
    seen = metrics.seen()
    return "".join(f"{line}\n" for metric in TABLE for line in _family(metric, seen)).encode()


def name(metric: Metric) -> str:
    """What Prometheus calls it."""
    total = "_total" if metric.kind is Kind.COUNT else ""
    return f"newsintel_{metric.name}{_UNITS[metric.unit][0]}{total}"


def _family(metric: Metric, seen: Seen) -> Iterator[str]:
    samples = list(_samples(metric, seen))
    if samples:
        yield f"# HELP {name(metric)} {metric.meaning}"
        yield f"# TYPE {name(metric)} {_TYPES[metric.kind]}"
        yield from samples


def _samples(metric: Metric, seen: Seen) -> Iterator[str]:
    scale = _UNITS[metric.unit][1]
    for key, count in _of(metric, seen.counts):
        yield f"{name(metric)}{_labels(metric, key)} {count}"
    for key, level in _of(metric, seen.gauges):
        if time.monotonic() - level.at < FRESH_SECONDS:
            yield f"{name(metric)}{_labels(metric, key)} {level.value / scale!r}"
    for key, spread in _of(metric, seen.timings):
        yield from _histogram(metric, key, spread, scale)


def _of(metric: Metric, seen: Mapping[Key, T]) -> Iterator[tuple[Key, T]]:
    return ((key, value) for key, value in seen.items() if key[0] == metric.name)


def _histogram(metric: Metric, key: Key, spread: Spread, scale: int) -> Iterator[str]:
    counts = list(accumulate(spread.buckets))
    for bound, count in list(zip(BOUNDS, counts, strict=False))[::_EVERY]:
        le = ("le", repr(bound / scale))
        yield f"{name(metric)}_bucket{_labels(metric, key, [le])} {count}"
    yield f"{name(metric)}_bucket{_labels(metric, key, [('le', '+Inf')])} {counts[-1]}"
    yield f"{name(metric)}_sum{_labels(metric, key)} {spread.milliseconds / scale!r}"
    yield f"{name(metric)}_count{_labels(metric, key)} {counts[-1]}"


def _labels(metric: Metric, key: Key, more: Iterable[tuple[str, str]] = ()) -> str:
    pairs = [*zip(metric.dimensions, key[1], strict=True), *more]
    return "{" + ",".join(f'{label}="{_escaped(value)}"' for label, value in pairs) + "}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
