"""How fresh each source is: when it was last asked, how that went, and how old its newest article is."""

import math
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import AsyncConnection

HOLDINGS_SECONDS: Final = 60


class LastPull(msgspec.Struct, frozen=True, kw_only=True):
    """The newest pull of one source, whatever it asked for; cadence_seconds: its most frequent topic, if any runs;
    outcome: never_asked as long as no pull has ended.
    """

    source: str
    cadence_seconds: int | None
    asked_at: datetime | None
    outcome: str
    reason: str | None
    new_articles: int
    last_success_at: datetime | None
    newest_published_at: datetime | None


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One topic of the cadence and its newest pull."""

    kind: str
    query: str
    cadence_seconds: int
    paused: bool
    last_fetch_at: datetime | None
    last_success_at: datetime | None
    outcome: str
    reason: str | None
    fetched: int
    new_articles: int


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One source. articles: how many of its items the archive holds, at most a minute ago; lag_seconds: age of its
    newest one.
    """

    source: str
    last_fetch_at: datetime | None
    last_success_at: datetime | None
    outcome: str
    reason: str | None
    newest_published_at: datetime | None
    lag_seconds: int | None
    articles: int
    topics: list[Topic]


# Each part reads the newest rows of (source, started_at): the cost does not grow with the archive. A pull with a window
# is a backfill's: it says nothing about how fresh a source is. The same lags as in ingest.store.overview.
LAST_PULLS: Final = """
    SELECT t.source, t.cadence_seconds, f.finished_at, coalesce(f.outcome, 'never_asked'), f.reason,
           coalesce(f.stored, 0), success.finished_at, newest.published_at
    FROM (SELECT source, min(cadence_seconds) FILTER (WHERE NOT paused) AS cadence_seconds
          FROM topics GROUP BY source) t
    LEFT JOIN LATERAL (
        SELECT finished_at, outcome, reason, stored FROM fetches
        WHERE source = t.source AND outcome <> 'running' AND window_from IS NULL ORDER BY started_at DESC LIMIT 1
    ) f ON true
    LEFT JOIN LATERAL (
        SELECT finished_at FROM fetches
        WHERE source = t.source AND outcome = 'ok' AND window_from IS NULL ORDER BY started_at DESC LIMIT 1
    ) success ON true
    LEFT JOIN LATERAL (
        SELECT max(newest_published_at) AS published_at
        FROM (SELECT newest_published_at FROM fetches
              WHERE source = t.source AND window_from IS NULL AND newest_published_at IS NOT NULL
              ORDER BY started_at DESC LIMIT 500) productive
    ) newest ON true
    ORDER BY t.source
"""

_TOPICS: Final = """
    SELECT t.source, t.kind, t.query, t.cadence_seconds, t.paused, f.finished_at, success.finished_at,
           coalesce(f.outcome, 'never_asked'), f.reason, coalesce(f.fetched, 0), coalesce(f.stored, 0)
    FROM topics t
    LEFT JOIN LATERAL (
        SELECT finished_at, outcome, reason, fetched, stored FROM fetches
        WHERE source = t.source AND topic_id = t.id AND outcome <> 'running' AND window_from IS NULL
        ORDER BY started_at DESC LIMIT 1
    ) f ON true
    LEFT JOIN LATERAL (
        SELECT finished_at FROM fetches
        WHERE source = t.source AND topic_id = t.id AND outcome = 'ok' AND window_from IS NULL
        ORDER BY started_at DESC LIMIT 1
    ) success ON true
    ORDER BY t.source, t.kind, t.query
"""

# Sightings and not articles: an article that two sources gave belongs to both, and this index names the source.
_HOLDINGS: Final = """
    SELECT t.source, (SELECT count(*) FROM sightings WHERE source = t.source)
    FROM (SELECT DISTINCT source FROM topics) t
"""


class Holdings:
    """How many items each source has given: counting them takes longer the more there are, so once in a while."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._counted_at = -math.inf

    async def counts(self, connection: AsyncConnection[Any]) -> Mapping[str, int]:
        if time.monotonic() - self._counted_at >= HOLDINGS_SECONDS:
            self._counts = dict(await (await connection.execute(_HOLDINGS)).fetchall())
            self._counted_at = time.monotonic()
        return self._counts


async def last_pulls(connection: AsyncConnection[Any]) -> list[LastPull]:
    """One entry for each source that the product knows."""
    fields = LastPull.__struct_fields__
    rows = await (await connection.execute(LAST_PULLS)).fetchall()
    return [LastPull(**dict(zip(fields, row, strict=True))) for row in rows]


async def overview(connection: AsyncConnection[Any], holdings: Holdings, now: datetime) -> list[Source]:
    """Every source with its topics."""
    pulls = await last_pulls(connection)
    counts = await holdings.counts(connection)
    topics: dict[str, list[Topic]] = {pull.source: [] for pull in pulls}
    for source, *row in await (await connection.execute(_TOPICS)).fetchall():
        topics[source].append(Topic(**dict(zip(Topic.__struct_fields__, row, strict=True))))
    return [_source(pull, counts.get(pull.source, 0), topics[pull.source], now) for pull in pulls]


def _source(pull: LastPull, articles: int, topics: list[Topic], now: datetime) -> Source:
    newest = pull.newest_published_at
    return Source(
        source=pull.source,
        last_fetch_at=pull.asked_at,
        last_success_at=pull.last_success_at,
        outcome=pull.outcome,
        reason=pull.reason,
        newest_published_at=newest,
        lag_seconds=None if newest is None else max(0, int((now - newest).total_seconds())),
        articles=articles,
        topics=topics,
    )
