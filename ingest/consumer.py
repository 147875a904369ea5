"""How a worker takes messages: as many as it has threads, and the next one as soon as a thread is free.

Dramatiq's worker takes twice as many. Those that no thread works on have left the queue: nobody sees them wait, and
no other worker can take them. Taking no more costs Dramatiq's consumer time, for it sleeps, longer and longer, while
its hands are full; ours is woken. A worker of several queues takes so many of each.
"""

import threading
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer


class Broker(RedisBroker):
    """Dramatiq's, with consumers that wake up."""

    @property
    def consumer_class(self) -> type[_RedisConsumer]:
        return Consumer


class Consumer(_RedisConsumer):
    """Waits for a free thread instead of sleeping."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)  # type: ignore[no-untyped-call]
        self._freed = threading.Event()

    def ack(self, message: dramatiq.MessageProxy) -> None:
        try:
            super().ack(message)  # type: ignore[no-untyped-call]
        finally:
            self._freed.set()

    def nack(self, message: dramatiq.MessageProxy) -> None:
        try:
            super().nack(message)  # type: ignore[no-untyped-call]
        finally:
            self._freed.set()

    def __next__(self) -> dramatiq.MessageProxy | None:
        if self.outstanding_message_count >= self.prefetch and not self.message_cache:
            self._freed.wait(self.timeout / 1000)
            # Cleared before it is counted: who is freed in between wakes us once for nothing, and is never missed.
            self._freed.clear()
            if self.outstanding_message_count >= self.prefetch:
                return None
        return super().__next__()  # type: ignore[no-any-return, no-untyped-call]
