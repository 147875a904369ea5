"""FetchQuery: all sources at once, an early answer, the rest afterwards, and failures told by name."""

import msgspec
import pytest
import structlog

from ingest.handlers.fetch_query import FIRST_ITEMS, RETRY_SECONDS, fetch_query
from shared import bus, keys
from shared.commands import FetchQuery
from shared.events import Answer, QueryFetched, SourceAsked
from shared.query_key import query_key

COMMAND = FetchQuery(query="climate", query_key=query_key("climate"))


def answer(ports, command_id="c1"):
    envelope = msgspec.json.decode(ports.redis.get(keys.answer(command_id)), type=Answer)
    return msgspec.json.decode(envelope.value, type=QueryFetched)


@pytest.fixture
def flight(redis):
    redis.set(keys.flight(COMMAND.query_key), "c1", ex=900)


def test_every_source_is_asked_once_and_all_items_are_stored(ports, upstreams, rows, flight):
    fetch_query(COMMAND, ports, "c1")
    assert {name: upstreams.count(name) for name in ("newsapi", "guardian", "reddit")} == {
        "newsapi": 1,
        "guardian": 1,
        "reddit": 1,
    }
    assert {(a.source, a.outcome) for a in answer(ports).sources} == {
        ("newsapi", "ok"),
        ("guardian", "ok"),
        ("reddit", "ok"),
    }
    books = rows("SELECT source, outcome, fetched, stored + merged + quarantined, discarded FROM fetches")
    assert len(books) == 3
    for _, outcome, fetched, kept, discarded in books:
        assert outcome == "ok"
        assert fetched == kept + sum(discarded.values())
    assert max(fetched for _, _, fetched, _, _ in books) > FIRST_ITEMS


def test_the_answer_goes_out_before_the_rest_is_written(ports, rows, flight, monkeypatch):
    seen = []
    fetched = "SELECT max(fetched) FROM fetches"
    monkeypatch.setattr(bus, "answer", lambda *_: seen.append(rows(fetched)[0][0]))
    fetch_query(COMMAND, ports, "c1")
    assert seen == [FIRST_ITEMS]
    assert rows(fetched)[0][0] > FIRST_ITEMS


def test_readers_are_told_how_each_source_answered(ports, upstreams, flight):
    upstreams.faults(source="guardian", kind="status", status=503)
    upstreams.faults(source="reddit", kind="truncate")
    fetch_query(COMMAND, ports, "c1")
    told = ports.redis.hgetall(keys.asked(COMMAND.query_key))
    asked = {name.decode(): msgspec.json.decode(raw, type=SourceAsked) for name, raw in told.items()}
    assert asked["newsapi"].outcome == "ok"
    assert asked["newsapi"].new_articles > 0
    assert asked["guardian"].outcome == "unreachable"
    assert "503" in asked["guardian"].reason
    assert asked["reddit"].outcome == "bad_answer"
    assert ports.redis.ttl(keys.asked(COMMAND.query_key)) > RETRY_SECONDS


def test_what_a_reader_searched_stays_out_of_the_logs(ports, upstreams, flight):
    upstreams.faults(source="guardian", kind="status", status=503)
    with structlog.testing.capture_logs() as logs:
        fetch_query(COMMAND, ports, "c1")
    [failed] = [line for line in logs if line["event"] == "fetch_failed"]
    assert failed["fetch_id"] == "c1:guardian"  # the row in `fetches`
    assert COMMAND.query not in str(logs)


def test_a_total_failure_is_forgotten_soon(ports, upstreams, flight):
    for source in ("newsapi", "guardian", "reddit"):
        upstreams.faults(source=source, kind="status", status=500)
    fetch_query(COMMAND, ports, "c1")
    assert 0 < ports.redis.ttl(keys.flight(COMMAND.query_key)) <= RETRY_SECONDS
    assert 0 < ports.redis.ttl(keys.asked(COMMAND.query_key)) <= RETRY_SECONDS


def test_a_source_without_a_key_is_told_and_not_called(make_ports, upstreams, flight):
    ports = make_ports(NEWSINTEL_NEWSAPI_KEY="")
    fetch_query(COMMAND, ports, "c1")
    outcomes = {a.source: a.outcome for a in answer(ports).sources}
    assert outcomes == {"newsapi": "not_configured", "guardian": "ok", "reddit": "ok"}
    assert upstreams.count("newsapi") == 0


def test_a_repeated_command_changes_nothing_but_the_books(ports, rows, flight):
    fetch_query(COMMAND, ports, "c1")
    before = rows("SELECT id, page, fetched_at FROM articles ORDER BY id")
    fetch_query(COMMAND, ports, "c1")
    assert rows("SELECT id, page, fetched_at FROM articles ORDER BY id") == before
    assert rows("SELECT count(*) FROM fetches") == [(3,)]
