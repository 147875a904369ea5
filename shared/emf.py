"""Writes metrics as Embedded Metric Format lines, which CloudWatch reads out of the log.

Every few seconds one line for each name and set of dimensions: what came since the line before. A total is a line of
its own: were it a second set of dimensions of the others, its values would be theirs, and only their Sum right.
"""

import contextlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, TextIO

import msgspec
import structlog

from shared.meter import BOUNDS
from shared.metrics import METRICS, NAMESPACE, Key, Metrics, Seen, Spread

# CloudWatch's finest alarm period is 10 s; a line for every event would cost more than the service it describes.
FLUSH_SECONDS: Final = 10.0
# The most that CloudWatch takes in one line.
MAX_VALUES: Final = 100


@contextlib.contextmanager
def written(metrics: Metrics, *, on: bool, output: TextIO | None = None) -> Iterator[None]:
    """Write every FLUSH_SECONDS for as long as the block runs, and once more at its end; if it is on."""
    if not on:
        yield
        return
    lines, over = Lines(metrics, output), threading.Event()

    def keep_writing() -> None:
        while not over.wait(FLUSH_SECONDS):
            lines.write()

    thread = threading.Thread(target=keep_writing, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        lines.write()


class Lines:
    """On standard output, whatever the log level is."""

    def __init__(self, metrics: Metrics, output: TextIO | None = None) -> None:
        self._metrics = metrics
        self._output = structlog.WriteLogger(output or sys.stdout)
        self._before = Seen({}, {}, {})

    def write(self) -> None:
        now = self._metrics.seen()
        for key, values in _news(self._before, now):
            self._output.info(msgspec.json.encode(_line(key, values)).decode())
        self._before = now


def _news(before: Seen, now: Seen) -> Iterator[tuple[Key, list[float]]]:
    totals: Counter[str] = Counter()
    for key, count in now.counts.items():
        if more := count - before.counts.get(key, 0):
            yield key, [more]
            if METRICS[key[0]].total:
                totals[key[0]] += more
    for name, more in totals.items():
        yield (name, ()), [more]
    for key, level in now.gauges.items():
        if level != before.gauges.get(key):
            yield key, [level.value]
    for key, spread in now.timings.items():
        if values := _values(spread, before.timings.get(key)):
            yield key, values


def _values(now: Spread, before: Spread | None) -> list[float]:
    """Each timing as the bound that it stayed below; of more than fit into a line every nth, the longest included."""
    earlier = before.buckets if before else [0] * len(now.buckets)
    more = [count - old for count, old in zip(now.buckets, earlier, strict=True)]
    bounds = (*BOUNDS, BOUNDS[-1])
    timings = [bound for bound, count in zip(bounds, more, strict=True) for _ in range(count)]
    if len(timings) <= MAX_VALUES:
        return timings
    apart = (len(timings) - 1) / (MAX_VALUES - 1)
    return [timings[round(n * apart)] for n in range(MAX_VALUES)]


def _line(key: Key, values: Sequence[float]) -> dict[str, Any]:
    """`slowest` is there because Logs Insights takes the maximum of a field, not of a list."""
    name, told = key
    metric = METRICS[name]
    dimensions = dict(zip(metric.dimensions, told, strict=True)) if told else {}
    resolution = {"StorageResolution": 1} if metric.high_resolution else {}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": metric.unit, **resolution}],
    }
    return {
        "event": "metrics",
        "metric": name,
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        name: values[0] if len(values) == 1 else values,
        **({"slowest": max(values)} if metric.kind == "timing" else {}),
    }
