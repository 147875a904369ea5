"""After a write exactly the cached answers that it changes are gone."""

import itertools
import threading
import time

import msgspec
import pytest
import redis as redis_client

from api.cache import _STORE
from ingest.pipeline.publish import publish
from ingest.pipeline.run import run
from shared import keys
from shared.clock import utcnow
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
