import gzip

import msgspec
import pytest

from ingest.article import Discarded, Quarantined, RawItem
from ingest.sources.reddit_post import outcome

POST = {
    "name": "t3_abc",
    "title": "Volcano erupts",
    "selftext": "",
    "url": "https://news.example/volcano?utm_source=reddit",
    "permalink": "/r/news/comments/abc/volcano_erupts/",
    "subreddit": "news",
    "subreddit_name_prefixed": "r/news",
    "author": "someone",
    "created_utc": 1_700_000_000.0,
    "edited": False,
    "over_18": False,
    "is_self": False,
    "stickied": True,
    "removed_by_category": None,
    "thumbnail": "https://b.thumbs.example/1.jpg",
}


def fate(kind="t3", **changed):
    return outcome(msgspec.Raw(msgspec.json.encode({"kind": kind, "data": {**POST, **changed}})))


def discarded(reason):
    return Discarded(source="reddit", reason=reason)


def test_a_link_becomes_an_item_with_its_fields_as_sent():
    assert fate() == RawItem(
        source="reddit",
        external_id="t3_abc",
        url="https://news.example/volcano?utm_source=reddit",
        shown_at="https://www.reddit.com/r/news/comments/abc/volcano_erupts/",
        title="Volcano erupts",
        author="someone",
        source_name="r/news",
        image_url="https://b.thumbs.example/1.jpg",
        published_at=1_700_000_000.0,
        original=msgspec.json.encode({"kind": "t3", "data": POST}),
    )


def test_an_edited_post_with_text_beside_its_link():
    item = fate(selftext="context", edited=1_700_000_600.0)
    assert (item.content, item.modified_at) == ("context", 1_700_000_600.0)


@pytest.mark.parametrize("word", ["self", "default", "nsfw", "spoiler", "image", "", "/relative.jpg", None])
def test_a_thumbnail_that_is_no_address_is_none(word):
    assert fate(thumbnail=word).image_url is None


def test_missing_names():
    assert fate(author="[deleted]").author is None
    assert fate(subreddit_name_prefixed=None).source_name == "r/news"
    assert fate(subreddit_name_prefixed=None, subreddit=None).source_name is None
    assert fate(permalink=None).shown_at is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"is_self": True}, "self_post"),
        ({"is_self": True, "title": "[deleted by user]"}, "deleted"),
        ({"title": "[ Removed by Reddit ]"}, "deleted"),
        ({"selftext": "[removed]"}, "deleted"),
        ({"removed_by_category": "moderator"}, "deleted"),
        ({"over_18": True}, "over_18"),
        ({"url": "https://v.redd.it/xyz"}, "reddit_media"),
        ({"url": "https://I.redd.it/xyz.jpg"}, "reddit_media"),
        ({"url": "https://www.reddit.com/gallery/abc"}, "reddit_media"),
        ({"url": "https://old.reddit.com/r/news/comments/1/x/"}, "reddit_thread"),
        ({"url": "/r/RDDT/comments/1/x/"}, "crosspost"),
        (
            {"url": "/r/RDDT/comments/1/x/", "crosspost_parent_list": [{"url": "/r/RDDT/comments/1/x/"}]},
            "crosspost",
        ),
        (
            {"url": "/r/a/comments/1/x/", "crosspost_parent_list": [{"url": "https://i.redd.it/1.jpg"}]},
            "reddit_media",
        ),
    ],
)
def test_what_is_not_news_is_discarded_under_its_reason(changed, reason):
    assert fate(**changed) == discarded(reason)


def test_a_crosspost_is_about_its_parents_link():
    parents = [{"url": "https://news.example/1", "title": "x"}]
    assert fate(url="/r/a/comments/1/x/", crosspost_parent_list=parents).url == "https://news.example/1"


def test_other_things_in_a_listing_are_not_posts():
    assert fate(kind="t5") == discarded("not_a_post")


@pytest.mark.parametrize("url", [None, "", "https://[broken", "javascript:alert(1)"])
def test_a_bad_link_is_left_for_the_pipeline_to_judge(url):
    assert fate(url=url).url == url


@pytest.mark.parametrize(
    "changed", [{"title": 5}, {"created_utc": {"value": "1"}}, {"created_utc": "1700000000"}]
)
def test_wrong_types_are_quarantined_with_the_whole_child(changed):
    got = fate(**changed)
    assert isinstance(got, Quarantined)


@pytest.mark.parametrize("record", [b"null", b"[]", b"{}", b'{"kind":"t3"}', b'{"kind":"t3","data":null}'])
def test_what_is_no_child_is_quarantined(record):
    assert isinstance(outcome(msgspec.Raw(record)), Quarantined)


@pytest.mark.payloads
def test_every_captured_post_has_a_fate(payloads):
    with gzip.open(payloads / "reddit-posts.jsonl.gz") as lines:
        found = [outcome(b'{"kind":"t3","data":' + line.strip() + b"}") for line in lines]
    assert len(found) == 405
    assert not [item for item in found if isinstance(item, Quarantined)]
    assert sum(isinstance(item, RawItem) for item in found) > 300
