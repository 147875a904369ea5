import msgspec
import pytest
import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry

from ingest.article import Discarded
from ingest.ports import Priority, Pull
from ingest.sources.http import Request
from ingest.sources.pull import Batch, PulledSource
from ingest.sources.refusal import Refusal
from shared.errors import DependencyError, KeyRefusedError, NotConfiguredError, UnreachableError


class Book:
    """Questions of a made-up source with numbered pages; an exception in the script is raised."""

    name = "book"

    def __init__(self, *script, same_page_for_ever=False):
        self.script = list(script)
        self.asked = []
        self.same = same_page_for_ever

    def first(self, pull):
        if pull.kind == "unset":
            raise NotConfiguredError("book", "no key")
        return Request(url="1")

    def fetch(self, request, priority):
        self.asked.append((request.url, priority))
        step = self.script.pop(0) if self.script else []
        if isinstance(step, Exception):
            raise step
        return Batch(records=[msgspec.Raw(record) for record in step])

    def following(self, _pull, batch, *, number):
        if self.same:
            return Request(url="1")
        return Request(url=str(number + 1)) if batch.records else None

    def outcome(self, record):
        return Discarded(source="book", reason=bytes(record).decode())


def pages(book, redis, **pull):
    source = PulledSource(book, Refusal("book", redis, "f"))
    return source.pages(Pull(**{"kind": "query", "query": "q", "max_pages": 9, **pull}))


def test_every_record_of_every_page_gets_its_fate_until_the_end(redis):
    book = Book([b"1", b"2"], [b"3"], [])
    assert [[item.reason for item in page.items] for page in pages(book, redis)] == [["1", "2"], ["3"], []]
    assert [url for url, _ in book.asked] == ["1", "2", "3"]


def test_pages_without_end_stop_at_the_limit(redis):
    assert len(list(pages(Book(*[[b"1"]] * 99), redis, max_pages=4))) == 4


def test_a_reader_costs_one_page(redis):
    book = Book([b"1"], [b"2"])
    assert len(list(pages(book, redis, priority=Priority.INTERACTIVE))) == 1
    assert len(book.asked) == 1


def test_a_cursor_that_does_not_move_is_the_end(redis):
    assert len(list(pages(Book([b"1"], [b"1"], same_page_for_ever=True), redis))) == 1


def test_no_page_is_fetched_that_nobody_asks_for(redis):
    book = Book([b"1"], [b"2"])
    next(pages(book, redis))
    assert len(book.asked) == 1


def test_pages_before_a_failure_stay(redis):
    got = pages(Book([b"1"], UnreachableError("book", "503")), redis)
    assert len(next(got).items) == 1
    with pytest.raises(UnreachableError):
        next(got)


def test_no_key_no_call(redis):
    book = Book()
    with pytest.raises(NotConfiguredError):
        next(pages(book, redis, kind="unset"))
    assert book.asked == []


def test_a_refused_key_is_remembered(redis):
    book = Book(KeyRefusedError("book", "wrong key"))
    for _ in range(3):
        with pytest.raises(KeyRefusedError, match="wrong key"):
            next(pages(book, redis))
    assert len(book.asked) == 1


def test_without_redis_no_call(redis):
    book = Book([b"1"])
    with (
        redis_client.Redis(host="127.0.0.1", port=9, retry=Retry(NoBackoff(), 0)) as gone,
        pytest.raises(DependencyError, match="ledger"),
    ):
        next(pages(book, gone))
    assert book.asked == []
