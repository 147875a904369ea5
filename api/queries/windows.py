"""The archive in windows of time that grow geometrically, so that a search reads what it needs and little more.

The search index files each article under the block of time that it lies in, once for each size of block: 6 hours,
1 day, 4 days, 16 days, ... (migration 0004 has the SQL twin of `block`). A search goes through the blocks from one end
of its time, the smallest first, and stops as soon as it has enough: a very common word is found within hours of news,
a rare one takes some twenty looks into the index, and what is read in vain is never more than was needed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

# A busy archive takes in a few hundred articles in six hours, which is what one page of results needs.
SMALLEST: Final = timedelta(hours=6)
GROWTH: Final = 4
SIZES: Final = 7  # the largest: 6 hours x 4^6 = 1,024 days
# A block is named by one integer: its number within its size, and the size in the lowest digit.
_NAMES: Final = 8

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


def block(at: datetime, size: int) -> int:
    """The name of the block of this size that a moment lies in."""
    number: int = (at - EPOCH) // (SMALLEST * GROWTH**size)
    return number * _NAMES + size


def newest_first(newest: datetime, oldest: datetime) -> Iterator[int]:
    """Names of blocks that follow one another and cover everything from `newest` back to `oldest`, both included."""
    number, last = (newest - EPOCH) // SMALLEST, (oldest - EPOCH) // SMALLEST
    return _blocks(number, last, -1)


def oldest_first(oldest: datetime, newest: datetime) -> Iterator[int]:
    number, last = (oldest - EPOCH) // SMALLEST, (newest - EPOCH) // SMALLEST
    return _blocks(number, last, 1)


def _blocks(number: int, last: int, step: int) -> Iterator[int]:
    """From block `number` of the smallest size up or down to block `last`."""
    for size in range(SIZES):
        while True:
            if (last - number) * step < 0:
                return
            yield number * _NAMES + size
            # The end of a block of the next size: go on with blocks of that size.
            at_end = number % GROWTH == (0 if step < 0 else GROWTH - 1)
            number += step
            if at_end and size < SIZES - 1:
                break
        number, last = number // GROWTH, last // GROWTH
