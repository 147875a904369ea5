"""Numbers under a name: the table of every metric there is, and the port through which both services measure.

The table is the documentation: the dashboards and alarms of deploy/aws are built from it, both writers (shared.emf,
shared.prometheus) read it, and tests hold it against the code and against deploy/runbook.md.
"""

from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import msgspec

NAMESPACE: Final = "NewsIntel"

# What the dimensions of the same name may say; the code and the dashboard both take them from here.
STATUSES: Final = ("2xx", "3xx", "4xx", "5xx")
TIERS: Final = ("memory", "redis", "database")
FATES: Final = ("stored", "merged", "quarantined", "discarded")
# An outcome that is not the code of an error of shared.errors.
OK: Final = "ok"


class Kind(StrEnum):
    """count: added up; gauge: the last one stands; timing: each one counts, for percentiles."""

    COUNT = "count"
    GAUGE = "gauge"
    TIMING = "timing"


class Metric(msgspec.Struct, frozen=True):
    """unit: as CloudWatch spells it.

    total: a count's sum over its dimensions is written too, without them, for one alarm over all. high_resolution:
    CloudWatch keeps it by the second instead of by the minute, for an alarm on shorter periods than a minute.
    """

    name: str
    kind: Kind
    unit: str
    dimensions: tuple[str, ...]
    meaning: str
    total: bool = False
    high_resolution: bool = False


_COUNT, _GAUGE, _TIMING = Kind.COUNT, Kind.GAUGE, Kind.TIMING

TABLE: Final = (
    # Is the news fresh? Two lags apart: a plan may deliver a day late by contract although every fetch succeeds.
    Metric(
        "newest_article_age",
        _GAUGE,
        "Seconds",
        ("source",),
        "now - newest publication time brought, backfills apart",
    ),
    Metric(
        "last_fetch_age",
        _GAUGE,
        "Seconds",
        ("source",),
        "now - end of the last successful fetch, backfills apart",
    ),
    Metric("fetches", _COUNT, "Count", ("source", "outcome"), "pulls, by ok or the code of the error"),
    Metric("articles", _COUNT, "Count", ("source", "fate"), "items: stored, merged, quarantined, discarded"),
    # Is it us or the source?
    Metric(
        "source_calls", _COUNT, "Count", ("source", "outcome"), "calls made, by ok or the code of the error"
    ),
    Metric(
        "source_calls_withheld", _COUNT, "Count", ("source", "outcome"), "calls our budget or circuit forbade"
    ),
    Metric("budget_left", _GAUGE, "Percent", ("source",), "of the tightest window of the source's budget"),
    Metric("circuit_open", _GAUGE, "Count", ("source",), "1 while the source is left alone after failures"),
    Metric(
        "told_to_wait",
        _GAUGE,
        "Seconds",
        ("source",),
        "how much longer the source itself told us not to call it; else 0",
    ),
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
    Metric("topic_skipped", _COUNT, "Count", ("reason",), "cadence slots of a topic that is gone or paused"),
    # What is kept?
    Metric(
        "tidied", _COUNT, "Count", ("what",), "answers, sessions, tokens and audit entries past their time"
    ),
    Metric("articles_dropped", _COUNT, "Count", (), "articles older than the retention, saved ones excepted"),
    Metric("fetches_dropped", _COUNT, "Count", (), "pulls of the cadence older than the retention"),
    Metric("search_months_dropped", _COUNT, "Count", (), "months of search history older than the retention"),
    Metric("posts_purged", _COUNT, "Count", (), "posts that were deleted on Reddit, removed here too"),
    Metric(
        "recheck_failed", _COUNT, "Count", ("reason",), "rounds in which Reddit was not asked what it deleted"
    ),
    Metric("sentiments_rescored", _COUNT, "Count", (), "articles that were given a newer sentiment"),
    # What do readers get?
    Metric(
        "http_requests",
        _COUNT,
        "Count",
        ("status",),
        "answers of the api, by 2xx, 3xx, 4xx, 5xx",
        total=True,
        high_resolution=True,
    ),
    Metric("search_duration", _TIMING, "Milliseconds", (), "a list answer, from request to last byte"),
    Metric("cache_reads", _COUNT, "Count", ("tier",), "answers had from memory, redis or database"),
    # Courtesies that fail open: nothing broke for the reader, someone should know.
    Metric("cache_failed", _COUNT, "Count", ("operation",), "cache operations that Redis refused"),
    Metric("rate_limit_open", _COUNT, "Count", (), "requests let in uncounted, because Redis was away"),
    Metric("search_not_recorded", _COUNT, "Count", ("reason",), "searches that history and trends will miss"),
    Metric("refresh_failed", _COUNT, "Count", ("reason",), "refreshes that could not be asked for"),
    Metric("answers_dropped", _COUNT, "Count", (), "cached answers that new articles changed"),
    Metric(
        "publish_failed", _COUNT, "Count", (), "batches whose new articles cached answers do not show yet"
    ),
    Metric("asked_not_remembered", _COUNT, "Count", (), "fetches whose outcome readers cannot be told"),
    # Is somebody at the door who should not be, and do people get in?
    Metric("sign_in_refused", _COUNT, "Count", ("reason",), "sign-ins that ended without a session"),
    Metric("token_reused", _COUNT, "Count", (), "used refresh tokens that came back; their sessions ended"),
    Metric("token_lost", _COUNT, "Count", (), "sealed Reddit tokens that no key of ours opens"),
    Metric("revocation_failed", _COUNT, "Count", ("outcome",), "tokens that Reddit was not told to end yet"),
    # What is running short?
    Metric("database_pool_used", _GAUGE, "Percent", ("service",), "connections in use, of those allowed"),
    Metric("database_pool_waiting", _GAUGE, "Count", ("service",), "requests that wait for a connection"),
)
METRICS: Final = {metric.name: metric for metric in TABLE}

# A metric's name and the values of its dimensions, in the table's order.
Key = tuple[str, tuple[str, ...]]


class Level(NamedTuple):
    """What a gauge said, and when (time.monotonic())."""

    value: float
    at: float


class Spread(NamedTuple):
    """How long things took. buckets: how many fell between each bound of shared.meter and the one before it."""

    milliseconds: float
    buckets: tuple[int, ...]


class Seen(NamedTuple):
    """What one process has measured since it started."""

    counts: dict[Key, int]
    gauges: dict[Key, Level]
    timings: dict[Key, Spread]


class Metrics(Protocol):
    """Port: both services measure through it. The dimensions are those of the table."""

    def count(self, name: str, value: int = 1, **dimensions: str) -> None: ...

    def gauge(self, name: str, value: float, **dimensions: str) -> None: ...

    def timing(self, name: str, milliseconds: float, **dimensions: str) -> None: ...

    def seen(self) -> Seen: ...


class NullMetrics:
    """Measures nothing."""

    def count(self, name: str, value: int = 1, **dimensions: str) -> None:
        pass

    def gauge(self, name: str, value: float, **dimensions: str) -> None:
        pass

    def timing(self, name: str, milliseconds: float, **dimensions: str) -> None:
        pass

    def seen(self) -> Seen:
        return Seen({}, {}, {})
