"""After a write exactly the cached answers that it changes are gone."""

import itertools
import threading
import time
from datetime import UTC, datetime

import msgspec
import pytest
import redis as redis_client

from api.cache import _STORE
from ingest.pipeline.publish import publish
from ingest.pipeline.run import run
from shared import keys
from shared.clock import utcnow
from shared.query.standing import Standing, entry
from tests import items
from tests.items import from_newsapi, raw


class Counted:
    """Metrics that remember."""

    def __init__(self):
        self.counts = {}

    def count(self, name, value=1, **_):
        self.counts[name] = self.counts.get(name, 0) + value


@pytest.fixture
def ports(database, redis_url):
    with items.ports(database.worker, redis_url, now=None) as made:
        yield msgspec.structs.replace(made, metrics=Counted())


def cache(redis, query, *, seconds=300):
    """What the api keeps for a query: two answers (pages), their names, and until when."""
    digests = [f"{query}:1", f"{query}:2"]
    for digest in digests:
        redis.set(keys.search(digest), b"{}")
    redis.sadd(keys.variants(query), *digests)
    redis.zadd(keys.STANDING, {query: time.time() + seconds})


def cached(redis):
    return {key.decode().removeprefix("search:").partition(":")[0] for key in redis.keys("search:*")}


def test_matching_answers_go_and_others_stay(ports, redis):
    for query in ("harbours", "harbour -law", "election", '"harbour law"', "chile OR harbour", "häfen"):
        cache(redis, query)
    run([raw("Parliament votes for the new harbour law")], "f", ports)
    assert cached(redis) == {"harbour -law", "election", "häfen"}
    assert {q.decode() for q in redis.zrange(keys.STANDING, 0, -1)} == {"harbour -law", "election", "häfen"}
    assert not redis.exists(keys.variants("harbours"))
    assert redis.get(keys.GENERATION) == b"1"
    assert ports.metrics.counts["answers_dropped"] == 6  # two pages of each


def test_the_empty_query_always_goes(ports, redis):
    cache(redis, "")
    run([raw("Parliament votes")], "f", ports)
    assert cached(redis) == set()


def test_other_languages_are_matched_by_their_own_rules(ports, redis):
    cache(redis, "lang:de hafen")
    run(
        [raw("Die Häfen und der Hafen", language="de", description="In den Häfen des Landes wird gestreikt")],
        "f",
        ports,
    )
    assert cached(redis) == set()


def test_nothing_new_drops_nothing(ports, redis):
    item = raw("Parliament votes for the new harbour law")
    run([item], "f", ports)
    cache(redis, "harbour")
    run([item], "f", ports)
    assert cached(redis) == {"harbour"}
    assert redis.get(keys.GENERATION) == b"1"


def test_a_story_that_grows_changes_the_answers_that_show_its_lead(ports, redis):
    run([raw("Parliament votes for the new harbour law", content="Whales were seen. " * 60)], "f", ports)
    cache(redis, "whales")
    run([from_newsapi("Parliament votes for new harbour law", "https://post.example/1")], "f", ports)
    assert cached(redis) == set()


def test_expired_queries_are_forgotten(ports, redis):
    cache(redis, "election", seconds=-1)
    run([raw("Parliament votes")], "f", ports)
    assert redis.zrange(keys.STANDING, 0, -1) == []


def test_a_lost_redis_is_counted_and_the_write_stands(ports):
    nowhere = redis_client.Redis(port=1, socket_connect_timeout=0.2)
    lost = msgspec.structs.replace(ports, redis=nowhere)
    assert run([raw("Parliament votes")], "f", lost).stored == 1
    assert ports.metrics.counts["publish_failed"] == 1
    assert lost.clock().tzinfo is utcnow().tzinfo
    nowhere.close()


def test_filters_and_fields_are_matched_as_the_api_matches_them(ports, redis):
    queries = {
        "harbour source:guardian": True,
        "harbour source:reddit": False,
        'outlet:"the guardian"': True,
        '-outlet:"the guardian" harbour': False,
        "title:harbour body:whales": True,
        "title:whales": False,
        "lang:en harbours": True,
        "lang:fr harbour": False,
        "author:doe": True,
        "harb*": True,
        "-harbour": False,
        "-election": True,
        "(harbour": True,  # cannot be read: its answers go
    }
    for query in queries:
        cache(redis, query)
    run(
        [
            raw(
                "Parliament votes for the new harbour law",
                content="Whales were seen. " * 20,
                author="Jane Doe",
            )
        ],
        "f",
        ports,
    )
    standing = {query.decode() for query in redis.zrange(keys.STANDING, 0, -1)}
    assert standing == {query for query, goes in queries.items() if not goes}


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TITLE = "Parliament votes for the new harbour law"
MARCH = {
    "before": Standing(text="harbour", until=NOON),
    "after": Standing(text="harbour", since=NOON),
    "beforehand, of the Guardian": Standing(text="harbour source:guardian", until=NOON),
    "afterwards, of the Guardian": Standing(text="harbour source:guardian", since=NOON),
    "everything before": Standing(until=NOON),
    "everything after": Standing(since=NOON),
    "unreadable, before": Standing(text="(harbour", until=NOON),
    "unreadable, after": Standing(text="(harbour", since=NOON),
    "another word": Standing(text="election", since=NOON.replace(year=2020), until=NOON.replace(year=2030)),
    "the hour from noon": Standing(text="harbour", since=NOON, until=NOON.replace(hour=13)),
}
BEFORE = {"before", "beforehand, of the Guardian", "everything before", "unreadable, before"}
AFTER = {
    "after", "afterwards, of the Guardian", "everything after", "unreadable, after", "the hour from noon",
}  # fmt: skip


def dropped(redis, standing):
    """The names of the entries that are gone; all stand again afterwards."""
    left = {each.decode() for each in redis.zrange(keys.STANDING, 0, -1)}
    for each in standing.values():
        cache(redis, entry(each))
    return {name for name, each in standing.items() if entry(each) not in left}


def test_only_answers_of_the_time_of_the_article_go(ports, redis):
    dropped(redis, MARCH)
    run([raw(TITLE, published_at="2026-03-01T12:00:00Z")], "f", ports)
    assert dropped(redis, MARCH) == AFTER
    late = raw("Another harbour is closed", published_at="2026-03-01T11:59:59.999999Z")
    run([late], "f", ports)
    assert dropped(redis, MARCH) == BEFORE


def test_a_date_that_is_corrected_counts_with_the_one_that_it_was(ports, redis):
    item = raw(TITLE, published_at="2026-03-01T12:30:00Z")
    run([item], "f", ports)
    dropped(redis, MARCH)
    run([msgspec.structs.replace(item, published_at="2026-02-28T12:30:00Z")], "f", ports)
    assert dropped(redis, MARCH) == BEFORE | AFTER


def test_only_answers_with_or_without_a_picture_go_as_the_article_has_one(ports, redis):
    standing = {
        f"{text} {has_image}": Standing(text=text, has_image=has_image)
        for text in ("harbour", "harbour source:guardian", "")
        for has_image in (True, False)
    }
    dropped(redis, standing)
    item = raw(TITLE)
    run([item], "f", ports)
    assert dropped(redis, standing) == {name for name in standing if name.endswith("False")}
    pictured = msgspec.structs.replace(item, image_url="https://i.example/1.jpg", content="More. " * 99)
    run([pictured], "f", ports)
    assert dropped(redis, standing) == set(standing)


def test_an_article_of_another_time_changes_the_answers_that_show_its_story(ports, redis):
    run([raw(TITLE, content="Whales were seen. " * 60, published_at="2026-03-01T11:00:00Z")], "f", ports)
    cache(redis, entry(Standing(text="whales", until=NOON)))
    again = from_newsapi(f"{TITLE} now", "https://post.example/1", published_at="2026-03-01T13:00:00Z")
    run([again], "f", ports)
    assert redis.zrange(keys.STANDING, 0, -1) == []


def test_what_another_release_wrote_is_understood_or_goes(ports, redis):
    """A query alone is how it was written before; of bounds that cannot be read the answers go."""
    for each in ("harbour", "election", "election\x1fnonsense"):
        cache(redis, each)
    run([raw(TITLE)], "f", ports)
    assert redis.zrange(keys.STANDING, 0, -1) == [b"election"]


def test_an_article_that_changes_one_of_a_story_changes_the_answers_that_find_another(ports, redis):
    run([raw("Parliament votes for the new harbour law", content="Whales were seen. " * 60)], "f", ports)
    cache(redis, "whales outlet:guardian")
    run([from_newsapi("Parliament votes for new harbour law", "https://post.example/1")], "f", ports)
    assert cached(redis) == set()


def test_answers_that_are_kept_during_a_publication_are_found_by_the_next(ports, redis, redis_url):
    run([raw("Parliament votes for the new harbour law")], "f", ports)
    done = threading.Event()

    def keep():
        with redis_client.Redis.from_url(redis_url) as client:
            store = client.register_script(_STORE)
            for number in itertools.count():
                if done.is_set():
                    return
                where = [keys.GENERATION, keys.search(f"{number}"), keys.STANDING, keys.variants("harbour")]
                until = int(time.time()) + 300
                store(keys=where, args=[client.get(keys.GENERATION), b"{}", 300, number, until, "harbour"])

    api = threading.Thread(target=keep)
    api.start()
    for _ in range(100):
        publish([1], ports)
    done.set()
    api.join()
    publish([1], ports)
    assert redis.keys("search:*") == []
