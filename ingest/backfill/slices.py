"""What a source can be asked for about the past, and in which pieces."""

import calendar
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

# A slice is what an operator sees move and what a failure costs, not what one call can carry: pages go on inside it.
LENGTH: Final = {"newsapi": timedelta(days=7), "guardian": timedelta(days=7)}
# Records of one call.
PAGE: Final = {"newsapi": 100, "guardian": 200, "reddit": 100}
# Reddit's listings end there, whatever the paging and however long ago that was.
REDDIT_CALLS: Final = 10
# What NewsAPI's plans reach back to, in months; a day less, because it need not use our calendar.
MONTHS: Final = {"developer": 1, "business": 60}
# By so much NewsAPI's plans deliver later than it is published.
LATE: Final = {"developer": timedelta(hours=24), "business": timedelta()}

Period = tuple[datetime, datetime]  # [since, until)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One question to one source. daily: items that it may bring a day."""

    source: str
    kind: str
    query: str
    topic_id: int | None = None
    daily: float = 0.0


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A target in [since, until)."""

    target: Target
    since: datetime
    until: datetime
    calls: int


def cut(target: Target, period: Period) -> Iterator[Slice]:
    """The period in slices that cover it exactly, in the order in which they are fetched."""
    since, until = period
    length = LENGTH.get(target.source, until - since)
    count = math.ceil((until - since) / length)
    starts = [since + number * length for number in range(count)]
    # NewsAPI's oldest articles are the next to be out of reach; elsewhere the newest are of most use.
    for start in starts if target.source == "newsapi" else reversed(starts):
        end = min(start + length, until)
        yield Slice(target=target, since=start, until=end, calls=_calls(target, end - start))


def reach(plan: str, now: datetime) -> datetime:
    """The first moment that NewsAPI has for this plan."""
    months = now.year * 12 + now.month - 1 - MONTHS[plan]
    year, month = divmod(months, 12)
    day = min(now.day, calendar.monthrange(year, month + 1)[1])
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.replace(year=year, month=month + 1, day=day) + timedelta(days=1)


def reachable(source: str, period: Period, newsapi_plan: str, now: datetime) -> Period | None:
    """What the source still has of a period; None: nothing."""
    since, until = period
    if source == "newsapi":
        since = max(since, reach(newsapi_plan, now))
    return (since, until) if since < until else None


def late(source: str, newsapi_plan: str) -> timedelta:
    """By so much the source delivers later than it is published."""
    return LATE[newsapi_plan] if source == "newsapi" else timedelta()


def _calls(target: Target, length: timedelta) -> int:
    """Of words the least, for nobody knows how many articles have them."""
    if target.source == "reddit":
        return REDDIT_CALLS if target.topic_id else 1
    return max(1, math.ceil(target.daily * (length / timedelta(days=1)) / PAGE[target.source]))
