"""How fast a backfill goes and how long it still takes: one arithmetic for the command line and the api."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

# How far back the rate looks: long enough for a source with a page every few minutes.
RECENT: Final = timedelta(hours=1)
# A backfill that has just begun has no rate worth telling in pages an hour.
_SHORTEST: Final = timedelta(minutes=1)
_DAY_SECONDS: Final = 86_400
_HOUR: Final = timedelta(hours=1)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Of one source. None: it does not run, or what it takes to tell is not known."""

    pages_per_hour: float | None = None
    seconds_left: int | None = None


def recent_since(going_since: datetime, now: datetime) -> datetime:
    """From when on pages count for the rate. going_since: when it was started or last resumed."""
    return max(going_since, now - RECENT)


def pages_per_hour(pages: int, going_since: datetime, now: datetime) -> float:
    """pages: those since recent_since."""
    return round(pages * (_HOUR / max(now - recent_since(going_since, now), _SHORTEST)), 1)


def seconds_left(
    calls_left: int, calls_per_day: int | None, retry_at: datetime | None, now: datetime
) -> int | None:
    """Until it may go on, and then its calls at the rate within the budgets, as a plan counts its days.

    Not at the rate of the last pages: a source that has spent its day's budget makes none, and one that begins makes
    more than it can all day long.
    """
    if not calls_left:
        return 0
    if not calls_per_day:
        return None
    waits = max((retry_at - now).total_seconds(), 0.0) if retry_at else 0.0
    return round(waits + calls_left * _DAY_SECONDS / calls_per_day)
