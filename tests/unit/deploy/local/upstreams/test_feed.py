"""A source's items in order."""

from deploy.local.upstreams.feed import Entry, Feed


def entry(key: str, at: float) -> Entry:
    return Entry(key, at, {"key": key}, {"title": f"About {key}"})


def test_newest_first_and_the_future_waits() -> None:
    feed = Feed([entry("a", 1), entry("c", 3), entry("b", 2)])
    assert [one.key for one in feed.published(now=2)] == ["b", "a"]
    assert feed.get("c", now=2) is None
    assert [one.key for one in feed.published(now=3)] == ["c", "b", "a"]


def test_adding_replaces_the_same_key() -> None:
    feed = Feed([entry("a", 1), entry("b", 2)])
    feed.add(entry("a", 5))
    assert [one.key for one in feed.published(now=9)] == ["a", "b"]
    assert len(feed) == 2


def test_words_are_folded_per_field() -> None:
    assert entry("x", 1).words("title") == " about x "
    assert entry("x", 1).words("unknown").strip() == ""
