"""Dates as the three sources write and read them."""

from datetime import UTC, datetime, timedelta

DAY = 86_400


def iso(at: float) -> str:
    """`2020-08-29T00:41:37Z`, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(at: float) -> str:
    """`2020-08-29`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def parse(text: str, *, end_of_day: bool = False) -> float | None:
    """Epoch seconds of an ISO 8601 date or datetime (UTC unless it says otherwise); None if it is not one.

    A bare date is its first second, or its last with `end_of_day`.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if end_of_day and len(text.strip()) == len("2020-08-29"):
        moment += timedelta(days=1, microseconds=-1)
    return moment.timestamp()
