"""Whatever a source sends as a record, it gets one of the three fates and never an exception."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.article import Discarded, Quarantined, RawItem
from ingest.sources import reddit_post
from ingest.sources.guardian import Guardian
from ingest.sources.newsapi import NewsApi

NAMES = {
    "newsapi": "source name author title description url urlToImage publishedAt content",
    "guardian": "id webTitle webUrl webPublicationDate isGone fields headline trailText body byline thumbnail lang",
    "reddit": "kind data name title selftext url permalink author created_utc edited over_18 is_self thumbnail "
    "crosspost_parent_list removed_by_category",
}
OUTCOMES = {
    "newsapi": lambda record: NewsApi.outcome(None, record),
    "guardian": lambda record: Guardian.outcome(None, record),
    "reddit": reddit_post.outcome,
}

text = st.text() | st.sampled_from(
    [
        "t3",
        "[Removed]",
        "[deleted]",
        "https://[x",
        "https://a.example/1",
        "/r/a",
        "2026-99-99T00:00:00Z",
        "\x00",
    ]
)
scalar = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text


def records(source):
    names = st.sampled_from(NAMES[source].split())
    some = st.recursive(
        scalar,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=9),
        max_leaves=30,
    )
    if source == "reddit":
        return some | some.map(lambda data: {"kind": "t3", "data": data})
    return some


@pytest.mark.parametrize("source", NAMES)
@given(data=st.data())
def test_any_json(source, data):
    record = data.draw(records(source))
    assert isinstance(
        OUTCOMES[source](msgspec.Raw(msgspec.json.encode(record))), RawItem | Quarantined | Discarded
    )


@pytest.mark.parametrize("source", NAMES)
@given(record=st.binary())
def test_any_bytes(source, record):
    assert isinstance(OUTCOMES[source](record), RawItem | Quarantined | Discarded)
