"""Plans: every slice within what its source gives, nothing twice, nothing forgotten, and how long it takes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.backfill.gaps import gaps
from ingest.backfill.plan import Limits, live_calls, page_seconds, plan, summary
from ingest.backfill.slices import LENGTH, MONTHS, PAGE, Target, cut, reach

NOW = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
ALL = frozenset(["newsapi", "guardian", "reddit"])
LIMITS = Limits(newsapi_plan="developer", configured=ALL, calls_per_day=dict.fromkeys(ALL, 32))
SECOND = timedelta(seconds=1)

sources = st.sampled_from(["newsapi", "guardian", "reddit"])
moments = st.integers(0, 400 * 86_400).map(lambda seconds: NOW - timedelta(seconds=seconds))


def target(source="guardian", kind="query", query="climate", **more):
    return Target(source=source, kind=kind, query=query, **more)


@given(sources, moments, st.integers(1, 200 * 86_400), st.floats(0, 5_000))
def test_slices_cover_a_period_exactly_within_their_length(source, since, seconds, daily):
    until = since + seconds * SECOND
    slices = sorted(cut(target(source, daily=daily), (since, until)), key=lambda each: each.since)
    assert (slices[0].since, slices[-1].until) == (since, until)
    assert all(one.until == other.since for one, other in pairwise(slices))
    assert all(timedelta() < each.until - each.since <= LENGTH.get(source, until - since) for each in slices)
    assert all(each.calls >= 1 for each in slices)
    if source != "reddit":
        assert sum(each.calls for each in slices) * PAGE[source] >= daily * seconds / 86_400 - 1


@given(st.lists(st.tuples(sources, moments, moments), max_size=5))
def test_a_plan_asks_no_source_for_what_it_does_not_have(wanted):
    asked = [(target(source), (min(one, other), max(one, other))) for source, one, other in wanted]
    for each in plan(asked, LIMITS, NOW).slices:
        assert each.since < each.until <= NOW
        if each.target.source == "newsapi":
            assert each.since >= reach("developer", NOW) > NOW - timedelta(days=32)
            assert each.until <= NOW - 24 * HOUR


def test_the_oldest_of_newsapi_and_the_newest_of_the_guardian_come_first():
    period = (NOW - timedelta(days=20), NOW)
    for source, order in (("newsapi", 1), ("guardian", -1)):
        starts = [each.since for each in cut(target(source), period)]
        assert starts == sorted(starts)[::order]
        assert len(starts) == 3


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (datetime(2026, 3, 31, 15, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2026, 1, 5, 0, tzinfo=UTC), datetime(2025, 12, 6, tzinfo=UTC)),
    ],
)
def test_newsapi_reaches_back_a_month(now, first):
    assert MONTHS["developer"] == 1
    assert reach("developer", now) == first


def test_what_cannot_be_had_is_left_out_and_said():
    limits = Limits(newsapi_plan="developer", configured=frozenset(["newsapi", "reddit"]), calls_per_day={})
    period = (NOW - timedelta(days=90), NOW)
    planned = plan(
        [
            (target("newsapi", "headlines", "business"), period),
            (target("newsapi"), period),
            (target("guardian"), period),
            (target("reddit", "subreddit", "news"), period),
        ],
        limits,
        NOW,
    )
    assert {each.target.source for each in planned.slices} == {"newsapi", "reddit"}
    assert planned.left_out == [
        "newsapi: its headlines cannot be asked for the past, only its searches",
        "newsapi: nothing before 2026-03-01 on the plan 'developer'",
        "newsapi: nothing of the last 24 hours on the plan 'developer'",
        "guardian: it has no key",
        "reddit: 'news' gives its newest 1,000 posts, however far they reach",
    ]


@pytest.mark.parametrize(("newsapi_plan", "delay"), [("developer", 24), ("business", 0)])
def test_what_a_plan_delivers_a_day_late_is_not_asked_for_before(newsapi_plan, delay):
    limits = Limits(newsapi_plan=newsapi_plan, configured=ALL, calls_per_day=dict.fromkeys(ALL, 32))
    planned = plan([(target("newsapi"), (NOW - 30 * HOUR, NOW))], limits, NOW)
    assert [(each.since, each.until) for each in planned.slices] == [(NOW - 30 * HOUR, NOW - delay * HOUR)]
    planned = plan([(target("newsapi"), (NOW - 20 * HOUR, NOW))], limits, NOW)
    assert bool(planned.slices) is not bool(delay)


def test_days_are_those_of_the_slowest_source_and_none_when_nothing_is_left():
    period = (NOW - timedelta(days=70), NOW)
    planned = plan([(target(daily=1_000), period), (target("reddit", topic_id=1), period)], LIMITS, NOW)
    found = summary(planned, LIMITS)
    assert [(s.source, s.slices, s.calls, s.days) for s in found.sources] == [
        ("guardian", 10, 350, 11.0),
        ("reddit", 1, 10, 0.4),
    ]
    assert (found.slices, found.calls, found.days) == (11, 360, 11.0)
    spent = Limits(newsapi_plan="developer", configured=ALL, calls_per_day={"guardian": 0, "reddit": 9})
    assert summary(planned, spent).days is None
    assert summary(planned, spent).left_out[-1] == (
        "guardian: the cadence needs all of its calls, so that a backfill would never end"
    )


def test_of_words_a_plan_is_the_least():
    found = summary(plan([(target("reddit"), (NOW - timedelta(days=70), NOW))], LIMITS, NOW), LIMITS)
    assert (found.calls, found.at_least) == (1, True)


def test_a_listing_of_reddit_is_read_once_for_all_its_gaps():
    periods = [(NOW - timedelta(days=n), NOW - timedelta(days=n - 1)) for n in (3, 9, 6)]
    news, world = (
        target("reddit", "subreddit", name, topic_id=n) for n, name in enumerate(("news", "world"), 1)
    )
    wanted = [
        (news, periods[0]),
        (world, periods[0]),
        (target(), periods[0]),
        (news, periods[1]),
        (news, periods[2]),
    ]
    found = {(each.target, each.since, each.until) for each in plan(wanted, LIMITS, NOW).slices}
    assert found == {
        (news, NOW - timedelta(days=9), NOW - timedelta(days=2)),
        (world, *periods[0]),
        (target(), *periods[0]),
    }


def test_live_work_is_a_call_a_slot():
    assert live_calls([("guardian", 1800), ("guardian", 3600), ("reddit", 300)]) == {
        "guardian": 72.0,
        "reddit": 288.0,
    }


HOUR = timedelta(hours=1)


def test_gaps_are_where_slots_were_missed():
    window = (NOW - 20 * HOUR, NOW)
    pulled = [NOW - hours * HOUR for hours in (19, 18, 17, 15, 9, 8, 7, 6, 5, 4, 3, 2, 1)]
    assert gaps(window, 3600, pulled, []) == [(NOW - 15 * HOUR, NOW - 9 * HOUR)]
    assert gaps(window, 3600, [], []) == [window]
    assert gaps(window, 3600, [], [(NOW - 10 * HOUR, NOW - 12 * HOUR)]) == [window]  # nothing of it was had
    filled = [(NOW - 13 * HOUR, NOW - 10 * HOUR)]
    assert gaps(window, 3600, pulled, filled) == [
        (NOW - 15 * HOUR, NOW - 13 * HOUR),
        (NOW - 10 * HOUR, NOW - 9 * HOUR),
    ]


def test_a_gap_that_a_backfill_fills_up_to_a_moment_ago_is_filled():
    window = (NOW - 20 * HOUR, NOW)
    assert gaps(window, 3600, [], [(NOW - 30 * HOUR, NOW - HOUR)]) == []
    assert gaps(window, 3600, [], [(NOW - 30 * HOUR, NOW - 4 * HOUR)]) == [(NOW - 4 * HOUR, NOW)]
    assert gaps(window, 3600, [], [(NOW - 50 * HOUR, NOW - 25 * HOUR)], 24 * HOUR) == []


def test_a_gap_of_a_source_that_is_late_was_published_as_much_earlier():
    window = (NOW - 20 * HOUR, NOW)
    pulled = [NOW - hours * HOUR for hours in (19, 18, 17, 15, 9, 8, 7, 6, 5, 4, 3, 2, 1)]
    late = 24 * HOUR
    lost = (NOW - 39 * HOUR, NOW - 33 * HOUR)
    assert gaps(window, 3600, pulled, [], late) == [lost]
    assert gaps(window, 3600, pulled, [lost], late) == []
    assert gaps(window, 3600, pulled, [(NOW - 15 * HOUR, NOW - 9 * HOUR)], late) == [lost]


@given(
    st.lists(st.integers(0, 100).map(lambda n: NOW - n * HOUR), max_size=30),
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 40)), max_size=5),
)
def test_gaps_lie_within_the_window_apart_and_outside_what_is_filled(pulled, filled):
    window = (NOW - 90 * HOUR, NOW - 5 * HOUR)
    periods = [(NOW - start * HOUR, NOW - (start - length) * HOUR) for start, length in filled]
    found = gaps(window, 3600, pulled, periods)
    assert all(window[0] <= since < until <= window[1] for since, until in found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))
    for since, until in found:
        assert not any(since < at < until for at in pulled)
        assert all(until <= start or end <= since for start, end in periods)


def test_of_a_source_that_is_asked_in_turns_readers_have_ninety_nine_of_a_hundred():
    assert page_seconds(5, 0) == 5
    assert page_seconds(5, 1.05) > 100 * 1.05
    assert page_seconds(5, 0.01) == 5
