"""The memory tier: bounded in entries, bytes and seconds, and blind while nobody tells what was dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.memory import Memory


class Kept:
    def __init__(self, size):
        self.size = size


class Clock:
    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


def made(clock=lambda: 0.0, *, entries=3, max_bytes=100, seconds=5.0):
    memory = Memory(entries=entries, max_bytes=max_bytes, seconds=seconds, now=clock)
    memory.switch(on=True)
    return memory


def put(memory, name, size=10, seconds=60.0):
    kept = Kept(size)
    memory.put(name, kept, seconds=seconds, drops=memory.drops)
    return kept


def test_the_least_recently_used_goes_first():
    memory = made()
    kept = {name: put(memory, name) for name in "abc"}
    assert memory.get("a") is kept["a"]
    put(memory, "d")
    assert (memory.get("b"), memory.get("a")) == (None, kept["a"])
    assert (len(memory), memory.bytes, memory.counts.evictions) == (3, 30, 1)


def test_bytes_are_bounded():
    memory = made()
    put(memory, "a", 60)
    put(memory, "b", 60)
    assert (memory.get("a"), memory.bytes) == (None, 60)
    put(memory, "too large", 101)
    assert memory.get("too large") is None


@pytest.mark.parametrize(("own", "lives"), [(60.0, 5.0), (2.0, 2.0)])
def test_nothing_is_kept_longer_than_a_few_seconds_or_its_own(clock, own, lives):
    memory = made(clock)
    put(memory, "a", seconds=own)
    clock.at = lives - 0.1
    assert memory.get("a")
    clock.at = lives
    assert memory.get("a") is None
    assert (memory.bytes, memory.counts.expired) == (0, 1)


def test_what_was_read_before_a_drop_is_not_put_after_it():
    memory = made()
    before = memory.drops
    memory.drop(["a", "never seen"])
    memory.put("a", Kept(1), seconds=60, drops=before)
    assert memory.get("a") is None
    put(memory, "a")
    memory.drop(["a"])
    assert (memory.get("a"), memory.counts.dropped) == (None, 1)


def test_switched_off_it_forgets_and_keeps_nothing():
    memory = made()
    put(memory, "a")
    memory.switch(on=False)
    put(memory, "b")
    assert (memory.get("a"), memory.get("b"), memory.bytes) == (None, None, 0)
    memory.switch(on=True)
    assert memory.get("a") is None


def test_no_seconds_mean_no_memory():
    memory = made(seconds=0)
    assert not memory.is_on
    put(memory, "a")
    assert memory.get("a") is None


@given(st.lists(st.tuples(st.sampled_from("pgd"), st.sampled_from("abcdef"), st.integers(0, 60))))
def test_the_books_always_agree(steps):
    memory = made()
    for step, name, size in steps:
        if step == "p":
            put(memory, name, size)
        elif step == "g":
            memory.get(name)
        else:
            memory.drop([name])
        assert memory.bytes == sum(kept.size for _, kept in memory._entries.values()) <= 100
        assert len(memory) <= 3
