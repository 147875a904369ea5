"""The archive in windows of time that grow geometrically, so that a search reads what it needs and little more.

The search index files each article under the block of time that it lies in, once for each size of block: 6 hours,
1 day, 4 days, 16 days, ... (migration 0004 has the SQL twin of `block`). A search goes through the blocks from one end
of its time, the smallest first, and stops as soon as it has enough: a very common word is found within hours of news,
a rare one takes some twenty looks into the index, and what is read in vain is never more than was needed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

# A busy archive takes in a few hundred articles in six hours, which is what one page of results needs.
SMALLEST: Final = timedelta(hours=6)
GROWTH: Final = 4
SIZES: Final = 7  # the largest: 6 hours x 4^6 = 1,024 days
# Words of which a quarter of the time did not give enough are rare: one look takes all that is left of them, at most
# four times of what was needed. In the large blocks it would be found one by one, each by unpacking a page of a list.
ENOUGH: Final = 4
# A look for the beginning of a word reads the lists of all words that begin so, of the whole archive each time: it
# begins with blocks of 16 days.
FOR_PREFIXES: Final = 3
# A block is named by one integer: its number within its size, and the size in the lowest digit.
_NAMES: Final = 8

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


def block(at: datetime, size: int) -> int:
    """The name of the block of this size that a moment lies in."""
    number: int = (at - EPOCH) // (SMALLEST * GROWTH**size)
    return number * _NAMES + size


class Steps(NamedTuple):
    """The looks of a search: names of blocks in their order, and the moment from which on the last look takes the rest.

    rest: None when the blocks cover everything.
    """

    blocks: list[int]
    rest: datetime | None


def newest_first(newest: datetime, oldest: datetime) -> Iterator[int]:
    """Names of blocks that follow one another and cover everything from `newest` back to `oldest`, both included."""
    return _blocks((newest - EPOCH) // SMALLEST, (oldest - EPOCH) // SMALLEST, -1)


def oldest_first(oldest: datetime, newest: datetime) -> Iterator[int]:
    return _blocks((oldest - EPOCH) // SMALLEST, (newest - EPOCH) // SMALLEST, 1)


def covering(oldest: datetime, newest: datetime) -> Iterator[int]:
    """Names of the largest blocks that together are the time from `oldest` to `newest`, in whole smallest blocks."""
    low, high = (oldest - EPOCH) // SMALLEST, (newest - EPOCH) // SMALLEST
    for size in range(SIZES):
        largest = size == SIZES - 1
        while low <= high and (largest or low % GROWTH):
            yield low * _NAMES + size
            low += 1
        while low <= high and (high + 1) % GROWTH:
            yield high * _NAMES + size
            high -= 1
        if low > high:
            return
        low, high = low // GROWTH, high // GROWTH


def looks(begin: datetime, end: datetime, *, smallest: int = 0) -> Steps:
    """For words: from begin to end, whichever is later, in blocks from the size `smallest` up; and the rest in one."""
    direction = -1 if begin > end else 1
    number, last = (begin - EPOCH) // SMALLEST, (end - EPOCH) // SMALLEST
    blocks = list(_blocks(number, last, direction, smallest))
    covered = 0
    for place, name in enumerate(blocks[:-1]):
        length = GROWTH ** (name % _NAMES)
        covered += length
        if covered * ENOUGH >= abs(last - number):
            border = (
                name // _NAMES + (direction > 0)
            ) * length  # the side of the block that has been reached
            return Steps(blocks[: place + 1], EPOCH + border * SMALLEST)
    return Steps(blocks, None)


def _blocks(number: int, last: int, step: int, smallest: int = 0) -> Iterator[int]:
    """From block `number` of size 0 up or down to block `last`, in blocks from the size `smallest` up."""
    number, last = number // GROWTH**smallest, last // GROWTH**smallest
    for size in range(smallest, SIZES):
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
