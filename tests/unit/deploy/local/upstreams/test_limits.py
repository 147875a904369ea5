"""Fixed windows."""

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.upstreams.limits import FixedWindows


def test_a_window_fills_and_the_next_one_is_empty() -> None:
    windows = FixedWindows()
    first = [windows.take("me", 1_200.0 + number, limit=3, seconds=600) for number in range(4)]
    assert [usage.allowed for usage in first] == [True, True, True, False]
    assert [usage.remaining for usage in first] == [2, 1, 0, 0]
    assert first[0].reset == 600
    assert windows.take("you", 1_204.0, limit=3, seconds=600).allowed
    assert windows.take("me", 1_800.0, limit=3, seconds=600).used == 1


@given(st.lists(st.floats(0, 50), max_size=60), st.integers(0, 5))
def test_never_more_than_the_limit_in_a_window(gaps: list[float], limit: int) -> None:
    windows = FixedWindows()
    now, allowed = 0.0, dict[int, int]()
    for gap in gaps:
        now += gap
        if windows.take("me", now, limit=limit, seconds=60).allowed:
            allowed[int(now // 60)] = allowed.get(int(now // 60), 0) + 1
    assert all(count <= limit for count in allowed.values())
