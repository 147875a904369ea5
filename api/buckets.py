"""Hours, days and weeks of a time zone as moments in UTC.

Days are as long as they are there: 23, 24 or 25 hours. An hour ends where the clock shows the next full hour or is
moved, so that each bucket has one offset from UTC and the hour that comes twice in autumn is two buckets.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

Interval = Literal["hour", "day", "week"]
INTERVALS: Final[tuple[Interval, ...]] = ("hour", "day", "week")

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_SECOND: Final = timedelta(seconds=1)


def boundaries(
    since: datetime, until: datetime, interval: Interval, zone: ZoneInfo, most: int
) -> list[datetime]:
    """Where buckets begin that cover since <= t < until, and last where the last one ends; ascending, in UTC.

    Raises ValueError when there would be more than `most` buckets.
    """
    at = start(since, interval, zone)
    found = [at]
    while at < until:
        if len(found) > most:
            raise ValueError(f"more than {most} buckets")
        at = following(at, interval, zone)
        found.append(at)
    return found


def start(at: datetime, interval: Interval, zone: ZoneInfo) -> datetime:
    """The beginning of the bucket that a moment lies in."""
    local = at.astimezone(zone)
    if interval == "hour":
        begin = at.astimezone(UTC) - _past_hour(local)
        return _change(begin, at, zone) or begin
    day = local.date()
    return midnight(day if interval == "day" else day - timedelta(days=day.weekday()), zone)


def following(at: datetime, interval: Interval, zone: ZoneInfo) -> datetime:
    """The beginning of the bucket after the one that begins at `at`."""
    local = at.astimezone(zone)
    if interval == "hour":
        after = at + _HOUR - _past_hour(local)
        return _change(at, after, zone) or after
    days = 1 if interval == "day" else 7 - local.weekday()
    after = midnight(local.date() + timedelta(days=days), zone)
    while after <= at:  # a zone that crossed the date line left a day out
        days += 1
        after = midnight(local.date() + timedelta(days=days), zone)
    return after


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins; where the clock jumps over midnight, at the jump."""
    begin = datetime.combine(day, time(), zone).astimezone(UTC)
    if begin.astimezone(zone).date() == day and begin.astimezone(zone).time() == time():
        return begin
    change = _change(begin - _DAY, begin + _HOUR, zone)
    return begin if change is None else change


def _past_hour(local: datetime) -> timedelta:
    return timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def _change(since: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment within since < t <= until at which the zone's clock was moved; no zone moves it twice a day."""
    low, high = since.astimezone(UTC), until.astimezone(UTC)
    if low >= high or _offset(low, zone) == _offset(high, zone):
        return None
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle <= low:
            break
        if _offset(middle, zone) == _offset(high, zone):
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
