"""Numbers under a name: the table of every metric there is, and the writers that send them somewhere.

The table is the documentation, and the dashboards and alarms of deploy/aws are built from it: what is not in it
cannot be watched, and a test finds every name in the code that is not in it.
"""

import atexit
import logging
import sys
import threading
import time
from collections import defaultdict
from enum import StrEnum
from typing import Any, Final, Protocol, TextIO

import msgspec
import structlog

NAMESPACE: Final = "NewsIntel"
# CloudWatch's finest alarm period is 10 s; a line for every event would cost more than the service it describes.
FLUSH_SECONDS: Final = 10.0
# The most that CloudWatch takes in one line.
MAX_VALUES: Final = 100

_log = structlog.get_logger("metrics")


class Kind(StrEnum):
    """count: added up; gauge: the last one stands; timing: each one counts, for percentiles."""

    COUNT = "count"
    GAUGE = "gauge"
    TIMING = "timing"


class Metric(msgspec.Struct, frozen=True):
    """unit: as CloudWatch spells it; total: it is also written without its dimensions, for one alarm over all."""

    name: str
    kind: Kind
    unit: str
    dimensions: tuple[str, ...]
    meaning: str
    total: bool = False


_COUNT, _GAUGE, _TIMING = Kind.COUNT, Kind.GAUGE, Kind.TIMING

_TABLE: Final = (
    # Is the news fresh? Two lags apart: a plan may deliver a day late by contract although every fetch succeeds.
    Metric("newest_article_age", _GAUGE, "Seconds", ("source",), "now - newest publication time stored"),
    Metric("last_fetch_age", _GAUGE, "Seconds", ("source",), "now - end of the last successful fetch"),
    Metric("fetches", _COUNT, "Count", ("source", "outcome"), "pulls, by ok or the code of the error"),
    Metric("articles", _COUNT, "Count", ("source", "fate"), "stored, merged, quarantined or discarded"),
    # Is it us or the source?
    Metric(
        "source_calls", _COUNT, "Count", ("source", "outcome"), "calls made, by ok or the code of the error"
    ),
    Metric(
        "source_calls_withheld", _COUNT, "Count", ("source", "outcome"), "calls our budget or circuit forbade"
    ),
    Metric("budget_left", _GAUGE, "Percent", ("source",), "of the tightest window of the source's budget"),
    Metric("circuit_open", _GAUGE, "Count", ("source",), "1 while the source is left alone after failures"),
    # Does the work get done?
    Metric("queue_depth", _GAUGE, "Count", ("queue",), "messages that wait"),
    Metric("queue_age", _GAUGE, "Seconds", ("queue",), "how long the oldest message has waited"),
    Metric(
        "scheduler_leads", _GAUGE, "Count", (), "1 from the scheduler that holds the lease; none: no cadence"
    ),
    Metric("command_duration", _TIMING, "Milliseconds", ("command",), "a handler's time, successful or not"),
    Metric(
        "command_dead_lettered", _COUNT, "Count", ("command",), "given up after the last retry", total=True
    ),
    Metric("command_invalid", _COUNT, "Count", ("command",), "commands that this release cannot read"),
    Metric(
        "tidied", _COUNT, "Count", ("what",), "answers, sessions, tokens and audit entries past their time"
    ),
    Metric("topic_skipped", _COUNT, "Count", ("reason",), "cadence slots of a topic that is gone or paused"),
    Metric("command_invalid", _COUNT, "Count", ("command",), "messages that no release of ours understands"),
    # What is kept?
    Metric("articles_dropped", _COUNT, "Count", (), "articles older than the retention, saved ones excepted"),
    Metric("search_months_dropped", _COUNT, "Count", (), "months of search history older than the retention"),
    Metric("posts_purged", _COUNT, "Count", (), "posts that were deleted on Reddit, removed here too"),
    Metric(
        "recheck_failed", _COUNT, "Count", ("reason",), "rounds in which Reddit was not asked what it deleted"
    ),
    Metric("sentiments_rescored", _COUNT, "Count", (), "articles that were given a newer sentiment"),
    # Are people served, and safe?
    Metric("sign_in_refused", _COUNT, "Count", ("reason",), "sign-ins that Reddit or we refused"),
    Metric("token_reused", _COUNT, "Count", (), "used refresh tokens that came back; their sessions ended"),
    Metric("token_lost", _COUNT, "Count", (), "Reddit tokens that no key of ours opens"),
    Metric(
        "revocation_failed", _COUNT, "Count", ("outcome",), "tokens that Reddit was not told to revoke yet"
    ),
    Metric("tidied", _COUNT, "Count", ("what",), "rows that were due to go"),
    # What do readers get?
    Metric("http_requests", _COUNT, "Count", ("status",), "answers of the api, by 2xx, 3xx, 4xx, 5xx"),
    Metric("search_duration", _TIMING, "Milliseconds", (), "a list answer, from request to last byte"),
    Metric("cache_reads", _COUNT, "Count", ("tier",), "searches answered from memory, redis or database"),
    # Courtesies that fail open: nothing broke for the reader, someone should know.
    Metric("cache_failed", _COUNT, "Count", ("operation",), "cache operations that Redis refused"),
    Metric("rate_limit_open", _COUNT, "Count", (), "requests that were let through uncounted"),
    Metric("search_not_recorded", _COUNT, "Count", ("reason",), "searches missing in history and trends"),
    Metric("refresh_failed", _COUNT, "Count", ("reason",), "refreshes that could not be asked for"),
    Metric("answers_dropped", _COUNT, "Count", (), "cached answers that new articles changed"),
    Metric(
        "publish_failed", _COUNT, "Count", (), "batches whose new articles cached answers do not show yet"
    ),
    Metric("asked_not_remembered", _COUNT, "Count", (), "fetches whose outcome readers cannot be told"),
    Metric("rate_limit_open", _COUNT, "Count", (), "requests let in uncounted, because Redis was away"),
    Metric("search_not_recorded", _COUNT, "Count", ("reason",), "searches that history and trends will miss"),
    # Is somebody at the door who should not be, and do people get in?
    Metric("sign_in_refused", _COUNT, "Count", ("reason",), "sign-ins that ended without a session"),
    Metric("token_reused", _COUNT, "Count", (), "refresh tokens presented twice: a thief or a lost answer"),
    Metric("token_lost", _COUNT, "Count", (), "sealed Reddit tokens that no key opens"),
    Metric("revocation_failed", _COUNT, "Count", ("outcome",), "tokens that Reddit was not told to end"),
    # What is running short?
    Metric("database_pool_used", _GAUGE, "Percent", ("service",), "connections in use, of those allowed"),
    Metric("database_pool_waiting", _GAUGE, "Count", ("service",), "requests that wait for a connection"),
)
METRICS: Final = {metric.name: metric for metric in _TABLE}


class Metrics(Protocol):
    """Port: both services measure through it. The dimensions are those of the table."""

    def count(self, name: str, value: int = 1, **dimensions: str) -> None: ...

    def gauge(self, name: str, value: float, **dimensions: str) -> None: ...

    def timing(self, name: str, milliseconds: float, **dimensions: str) -> None: ...


class LogMetrics:
    """Writes each measurement as a structured log line, for reading on one machine."""

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        _log.info("metric", metric=name, value=value, **dimensions)

    def gauge(self, name: str, value: float, **dimensions: str) -> None:
        _log.info("metric", metric=name, value=value, **dimensions)

    def timing(self, name: str, milliseconds: float, **dimensions: str) -> None:
        _log.info("metric", metric=name, value=milliseconds, **dimensions)


class NullMetrics:
    """Measures nothing."""

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        pass

    def gauge(self, name: str, value: float, **dimensions: str) -> None:
        pass

    def timing(self, name: str, milliseconds: float, **dimensions: str) -> None:
        pass


Key = tuple[str, tuple[tuple[str, str], ...]]


class EmfMetrics:
    """Gathers for a few seconds, then writes one Embedded Metric Format line for each name and set of dimensions.

    CloudWatch reads them out of the log. They are written whatever the log level is.
    """

    def __init__(self, output: TextIO | None = None) -> None:
        self._lines = structlog.wrap_logger(
            structlog.WriteLogger(output or sys.stdout),
            processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        )
        self._values: dict[Key, list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Write every FLUSH_SECONDS, and once more when the process ends."""
        atexit.register(self.flush)
        threading.Thread(target=self._keep_flushing, name="metrics", daemon=True).start()

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        with self._lock:
            values = self._values[_key(name, dimensions)]
            values[:] = [sum(values) + value]

    def gauge(self, name: str, value: float, **dimensions: str) -> None:
        with self._lock:
            self._values[_key(name, dimensions)] = [value]

    def timing(self, name: str, milliseconds: float, **dimensions: str) -> None:
        with self._lock:
            values = self._values[_key(name, dimensions)]
            values.append(round(milliseconds, 3))
            full = len(values) >= MAX_VALUES
        if full:
            self.flush()

    def flush(self) -> None:
        with self._lock:
            gathered, self._values = self._values, defaultdict(list)
        for (name, dimensions), values in gathered.items():
            self._lines.info("metrics", **_line(name, dict(dimensions), values))

    def _keep_flushing(self) -> None:
        while True:
            time.sleep(FLUSH_SECONDS)
            self.flush()


def _key(name: str, dimensions: dict[str, str]) -> Key:
    return name, tuple(sorted(dimensions.items()))


def _line(name: str, dimensions: dict[str, str], values: list[float]) -> dict[str, Any]:
    metric = METRICS.get(name)
    unit = metric.unit if metric else "None"
    sets = [list(dimensions), []] if metric and metric.total else [list(dimensions)]
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": sets,
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    return {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        name: values[0] if len(values) == 1 else values,
    }


def build(writer: str) -> Metrics:
    """The writer that NEWSINTEL_METRICS names: log or emf."""
    if writer == "log":
        return LogMetrics()
    metrics = EmfMetrics()
    metrics.start()
    return metrics
