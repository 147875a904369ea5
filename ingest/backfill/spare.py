"""What backfills may ask of a source in a day, in plans and in the time that a running one still takes."""

from ingest.backfill.plan import page_seconds
from ingest.sources.budget import Ledger

_DAY_SECONDS = 86_400


def calls_per_day(book: Ledger, live_calls: float, pause_seconds: float) -> int:
    """What the budget leaves beside so many calls of the cadence, and no more than pages are sent."""
    sent = int(_DAY_SECONDS / page_seconds(pause_seconds, book.pace_seconds))
    return min(book.spare_per_day(live_calls), sent)
