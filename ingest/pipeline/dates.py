"""Points in time as upstreams write them → UTC."""

import math
from datetime import UTC, datetime, timedelta

from ingest.pipeline.errors import UnusableError

# The oldest news page on the web; 1970 is how upstreams spell "unknown".
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# Outlets announce pages and set clocks wrong; a day covers every time zone.
LATEST_AHEAD = timedelta(days=1)


def parse(value: str | float | None, now: datetime) -> datetime:
    """ISO 8601 (without an offset: UTC) or unix seconds → aware UTC. Raises UnusableError (bad_date)."""
    try:
        at = _read(value)
    except (ValueError, OverflowError, OSError) as error:
        raise UnusableError("bad_date", f"{value!r:.80} is not a date: {error}") from None
    if not EARLIEST <= at <= now + LATEST_AHEAD:
        raise UnusableError("bad_date", f"{at.isoformat()} is not between 1990 and tomorrow")
    return at


def _read(value: str | float | None) -> datetime:
    if isinstance(value, str):
        text = value.strip()
        if text.replace(".", "", 1).isdecimal() and len(text) > len("20220526"):
            return _read(float(text))
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    if value is None or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError("it is neither a text nor a number")
    return datetime.fromtimestamp(value, UTC)
