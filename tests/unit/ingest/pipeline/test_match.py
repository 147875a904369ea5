"""Same story? Alike titles are, series are not; symmetric, whatever the titles."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.pipeline.match import Title, numbers, same_story, title_key, words

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = timedelta(hours=72)


def title(text, *, page="a.org/1", at=AT):
    return Title(page=page, key=title_key(text), numbers=numbers(text), published_at=at)


def score(one, other, *, threshold=80.0):
    found = same_story(one, other, threshold=threshold, window=WINDOW)
    assert found == same_story(other, one, threshold=threshold, window=WINDOW)
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Broadcom in Talks to Pay $60 Billion for VMware", "Broadcom in talks to pay $60 billion for VMware"),
        ("India concede late goal in Asia Cup hockey: 1-1", "Asia Cup hockey: India concede late goal, 1-1"),
        ("Colin Cantwell, Star Wars designer, dies aged 90", "Colin Cantwell, designer of 'Star Wars', dies aged 90"),
        ("Johnson\u2019s café plan fails in the upper house", "Johnson's cafe plan fails in upper house"),
        ("Three dead after 5th storm hits the coast of Chile", "3 dead after fifth storm hits coast of Chile"),
        ("四方安全对话关注中国，未共同谴责俄罗斯", "四方安全对话关注中国 未共同谴责俄罗斯"),
    ],
)  # fmt: skip
def test_one_story_in_two_outlets(one, other):
    assert score(title(one), title(other, page="b.org/1")) > 80


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ukraine war: what we know on day 89 of it", "Ukraine war: what we know on day 90 of it"),
        ("Cryptic crossword No 28,766", "Cryptic crossword No 28,767"),
        ("Monday briefing: the top stories of the morning", "Tuesday briefing: the top stories of the morning"),
        ("Redeem codes for May 23: win free rewards today", "Redeem codes for May 26: win free rewards today"),
        ("Aether IPO subscribed 33% on first day of issue", "Aether IPO subscribed 49% on second day of issue"),
        ("Mike Davis obituary", "Denis Meikle obituary"),
        ("Letters", "Letters to the"),
        ("Budget passes", "Harbour opens"),
    ],
)  # fmt: skip
def test_instalments_of_a_series_are_stories_of_their_own(one, other):
    assert score(title(one), title(other, page="b.org/1")) is None


def test_one_outlet_tells_an_event_once_and_runs_rubrics():
    goals = title("Premier League review: goals of the season", page="a.org/1")
    flops = "Premier League review: flops of the season"
    assert score(goals, title(flops, page="a.org/2")) is None
    assert score(goals, title(flops, page="b.org/2")) > 80
    longer = title("Premier League review: best goals of the season", page="a.org/2")
    assert score(goals, longer) > 80


@pytest.mark.parametrize(("hours", "same"), [(0, True), (17, True), (19, False), (48, False)])
def test_the_same_title_in_one_outlet_is_a_series_after_a_while(hours, same):
    later = title("Corrections and clarifications", page="a.org/2", at=AT + timedelta(hours=hours))
    assert (score(title("Corrections and clarifications"), later) is not None) is same


def test_the_same_page_is_no_series():
    assert (
        score(
            title("Corrections and clarifications"), title("Corrections and clarifications", at=AT + WINDOW)
        )
        == 100
    )


@pytest.mark.parametrize(("hours", "same"), [(20, True), (30, False)])
def test_rubrics_match_within_a_day_only(hours, same):
    later = title("Live updates", page="b.org/2", at=AT + timedelta(hours=hours))
    assert (score(title("Live updates"), later) == 100) is same


@pytest.mark.parametrize(("hours", "same"), [(72, True), (73, False)])
def test_the_window(hours, same):
    later = title("Parliament votes for the harbour law", page="b.org/2", at=AT + timedelta(hours=hours))
    assert (score(title("Parliament votes for the harbour law"), later) is not None) is same


def test_eighty_is_not_more_than_eighty():
    one, other = (
        title("aaaa bbbb cccc dddd eeee ff gg hh"),
        title("aaaa bbbb cccc dddd eeee ff gg hh ii", page="b.org/1"),
    )
    alike = score(one, other)
    assert score(one, other, threshold=alike) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Day 89 of 1,234 days", "1234 89"),
        ("3rd, third and three", "3"),
        ("Sept 11, Mon to Monday", "11 mon sep"),
        ("You may march in May 2022", "2022 may"),
        ("March 8 march", "8 mar"),
        ("£1.50 or 1,5", "1.5 1.50"),
        ("₹१२ करोड़, iPhone14", "12 14"),
        ("No number at all", ""),
        ("007", "7"),
        ("0", "0"),
    ],
)
def test_numbers(text, found):
    assert numbers(text) == found


def test_keys_fold_case_accents_and_punctuation():
    assert title_key("Johnson\u2019s “Café”—plan: A/B_test…") == "johnsons cafe plan a b test"
    assert title_key("ＦＵＬＬ width ﬁne") == "full width fine"
    assert title_key("सस्\u200dता पेट्रोल") == title_key("सस्ता पेट्रोल") == "सस्ता पेट्रोल"


def test_words_are_32_bit_and_carry_the_numbers():
    filed = words("parliament votes for harbour law", "")
    assert all(-(1 << 31) <= word < 1 << 31 for word in filed)
    assert not set(filed) & set(words("parliament votes for harbour law", "7"))
    assert words("the of and", "")
    assert words("", "") == ()


titles = st.lists(
    st.sampled_from(["sun", "sets", "on", "mars", "89", "90", "monday", "parliament", "日本語", "a"]),
    max_size=6,
).map(" ".join)
pages = st.sampled_from(["a.org/1", "a.org/2", "b.org/1"])
times = st.integers(0, 80).map(lambda hours: AT + timedelta(hours=hours))


@given(titles, titles, pages, pages, times, times)
def test_symmetry(one, other, page, other_page, at, other_at):
    score(title(one, page=page, at=at), title(other, page=other_page, at=other_at))


@given(st.text(max_size=80))
@example("𝒥ack")
def test_any_title_has_a_key_that_is_its_own_key(text):
    key = title_key(text)
    assert title_key(key) == key
    words(key, numbers(text))
