"""Stand-ins for processes that a test does not start."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

import msgspec
import redis

from shared import bus, keys
from shared.commands import FetchQuery, Queue
from shared.events import QueryFetched, SourceAsked

SOURCES = ("guardian", "newsapi", "reddit")


def asked(outcome: str = "ok", *, sources: tuple[str, ...] = SOURCES) -> list[SourceAsked]:
    """The same outcome of every source."""
    reason = None if outcome == "ok" else f"it was {outcome}"
    return [
        SourceAsked(source=each, asked_at=datetime.now(UTC), outcome=outcome, reason=reason, new_articles=1)
        for each in sources
    ]


class FakeWorker:
    """A thread that takes FetchQuery commands from the real queue and answers them as the real worker does.

    fetch: called with each command; stores articles, if it likes, and tells how each source was. With fetch None
    commands are taken and never answered.
    """

    def __init__(
        self, redis_url: str, fetch: Callable[[FetchQuery], list[SourceAsked]] | None = lambda _: asked()
    ) -> None:
        self._client = redis.Redis.from_url(redis_url)
        self._fetch = fetch
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.commands: list[FetchQuery] = []
        self.problems: list[BaseException] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()
        assert not self.problems, self.problems

    def _run(self) -> None:
        broker = bus.broker(self._client)
        broker.declare_queue(Queue.INTERACTIVE)
        consumer = broker.consume(Queue.INTERACTIVE, prefetch=16, timeout=20)
        try:
            while not self._stop.is_set():
                if (message := next(consumer)) is not None:
                    self._handle(msgspec.convert(message.args[0], FetchQuery), message.message_id)
                    consumer.ack(message)
        except BaseException as problem:  # noqa: BLE001 - reported at the end of the test
            self.problems.append(problem)
        finally:
            consumer.close()

    def _handle(self, command: FetchQuery, command_id: str) -> None:
        self.commands.append(command)
        if self._fetch is None:
            return
        told = self._fetch(command)
        self._client.hset(
            keys.asked(command.query_key), mapping={each.source: msgspec.json.encode(each) for each in told}
        )
        bus.answer(self._client, command_id, QueryFetched(query_key=command.query_key, sources=told))
