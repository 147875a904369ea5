"""The arithmetic of sliding windows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.windows import Left, Policy, Window, tightest

POLICY = Policy(name="p", quota=10, seconds=60)


def test_what_was_used_fades_over_one_window():
    window = Window(policy=POLICY, slot=0, current=10)
    window.advance(60)
    assert [round(window.used(at), 1) for at in (60, 75, 90, 119)] == [10, 7.5, 5, 0.2]
    window.advance(120)
    assert window.used(120) == 0


def test_a_gap_of_two_slots_forgets():
    window = Window(policy=POLICY, slot=0, current=10)
    window.advance(180)
    assert (window.current, window.previous) == (0, 0)


@pytest.mark.parametrize(("current", "previous"), [(10, 0), (0, 10), (5, 10), (9, 10), (30, 3), (4, 2)])
def test_after_the_wait_one_more_fits_and_not_before(current, previous):
    now = 66.0
    window = Window(policy=POLICY, slot=1, current=current, previous=previous)
    wait = window.wait(now)

    def used(at):
        later = Window(policy=POLICY, slot=1, current=current, previous=previous)
        later.advance(at)
        return later.used(at)

    assert used(now + wait + 0.01) <= POLICY.quota - 1 + 0.01
    if wait > 0.1:
        assert used(now + wait - 0.1) > POLICY.quota - 1


@given(
    current=st.integers(0, 100),
    previous=st.integers(0, 100),
    over=st.floats(0, 1, exclude_max=True, width=32),
)
def test_what_is_left_is_never_negative_and_comes_back(current, previous, over):
    left = Window(policy=POLICY, slot=1, current=current, previous=previous).left(60 + 60 * over)
    assert 0 <= left.remaining <= POLICY.quota
    assert 1 <= left.reset <= 2 * POLICY.seconds


def test_the_tightest_is_the_least_share():
    hour = Left(policy=Policy(name="hour", quota=1000, seconds=3600), remaining=50, reset=1)
    burst = Left(policy=POLICY, remaining=9, reset=1)
    assert tightest([hour, burst]) is hour
