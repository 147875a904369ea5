"""Blocks of time cover everything once, in order, and grow."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.queries import windows

TIMES = st.datetimes(
    min_value=datetime(1990, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip


def span(name: int) -> tuple[datetime, datetime]:
    number, size = name // 8, name % 8
    length = windows.SMALLEST * windows.GROWTH**size
    return windows.EPOCH + number * length, windows.EPOCH + (number + 1) * length


@given(TIMES, TIMES)
def test_blocks_follow_one_another_without_gap_or_overlap_and_cover_all(one, other):
    oldest, newest = sorted((one, other))
    spans = [span(name) for name in windows.newest_first(newest, oldest)]
    assert spans[0][0] <= newest < spans[0][1]
    assert spans[-1][0] <= oldest < spans[-1][1]
    assert all(later[0] == earlier[1] for later, earlier in itertools.pairwise(spans))
    spans = [span(name) for name in windows.oldest_first(oldest, newest)]
    assert spans[0][0] <= oldest < spans[0][1]
    assert spans[-1][0] <= newest < spans[-1][1]
    assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(spans))


@given(TIMES, TIMES)
def test_the_blocks_that_cover_a_time_are_few_and_reach_no_further(one, other):
    oldest, newest = sorted((one, other))
    spans = sorted(span(name) for name in windows.covering(oldest, newest))
    assert spans[0][0] <= oldest < spans[0][0] + windows.SMALLEST
    assert spans[-1][1] - windows.SMALLEST <= newest < spans[-1][1]
    assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(spans))
    lengths = Counter(end - begin for begin, end in spans)
    largest = windows.SMALLEST * windows.GROWTH ** (windows.SIZES - 1)
    assert all(n <= 2 * (windows.GROWTH - 1) for length, n in lengths.items() if length < largest)


@given(TIMES, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10_000)))
def test_a_block_is_never_much_longer_than_all_before_it(newest, back):
    covered = timedelta(0)
    for name in windows.newest_first(newest, newest - back):
        begin, end = span(name)
        # Otherwise a search that lacks one match would read many times of what it has read.
        assert end - begin <= max(windows.SMALLEST, windows.GROWTH * covered)
        covered += end - begin


@given(TIMES)
def test_a_moment_lies_in_its_block_of_each_size(at):
    for size in range(windows.SIZES):
        begin, end = span(windows.block(at, size))
        assert begin <= at < end


@given(TIMES, TIMES, st.integers(0, windows.SIZES - 1))
def test_the_rest_begins_where_the_blocks_end(begin, end, smallest):
    steps = windows.looks(begin, end, smallest=smallest)
    assert all(name % 8 >= smallest for name in steps.blocks)
    first, last = span(steps.blocks[0]), span(steps.blocks[-1])
    assert first[0] <= begin < first[1]
    reached = last[0] if begin > end else last[1]
    if steps.rest is None:
        assert last[0] <= end < last[1]
    else:
        assert steps.rest == reached
