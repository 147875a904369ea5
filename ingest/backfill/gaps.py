"""When a topic was not pulled: the periods without a successful fetch."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from ingest.backfill.slices import Period

# A slot may be late or fail once without losing anything: the next pull reaches back further than one slot.
MISSED_SLOTS = 3


def gaps(
    window: Period,
    cadence_seconds: int,
    pulled_at: Iterable[datetime],
    filled: Iterable[Period],
    late: timedelta = timedelta(),
) -> list[Period]:
    """When that was published which nobody pulled within the window.

    pulled_at: successful pulls of the cadence; filled: times of publication that backfills bring; late: by so much the
    source delivers later than it is published.
    """
    longest = timedelta(seconds=cadence_seconds * MISSED_SLOTS)
    since, until = window
    moments = [since, *sorted(at for at in pulled_at if since < at < until), until]
    open_ = [(one - late, next_ - late) for one, next_ in pairwise(moments) if next_ - one > longest]
    for period in filled:
        open_ = [left for gap in open_ for left in _without(gap, period)]
    # What is left at the end is no gap yet: as after a pull, its slots may be late.
    return [(one, next_) for one, next_ in open_ if next_ < until - late or next_ - one > longest]


def _without(gap: Period, filled: Period) -> Sequence[Period]:
    if filled[0] >= filled[1]:
        return [gap]
    left = [(gap[0], min(gap[1], filled[0])), (max(gap[0], filled[1]), gap[1])]
    return [(since, until) for since, until in left if since < until]
