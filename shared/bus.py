"""Commands to `ingest` and their answers, over Redis: send, ask, answer.

A command travels as a Dramatiq message by queue and actor *name*, so the sender needs no actor. Its envelope carries
the id of the request that it belongs to. Its answer is stored under its own id (for who comes late) and announced on
one channel (for who waits).
"""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import dramatiq
import msgspec
import redis
import redis.asyncio
import structlog
from dramatiq.brokers.redis import RedisBroker

from shared import keys, log
from shared.commands import QUEUES, Command
from shared.errors import DependencyError, NewsIntelError
from shared.events import Answer
from shared.subscription import Subscription

# An answer outlives the longest wait of a reader and the status page's patience.
ANSWER_SECONDS = 600
# The option of a message that holds the id of the request that it belongs to.
REQUEST_ID: Final = "request_id"

T = TypeVar("T")
_log = structlog.get_logger("bus")


class CommandFailedError(NewsIntelError):
    """The worker gave the command up; the message is its error code."""


class AnswerPendingError(NewsIntelError):
    """No answer within the time allowed. The command is not lost: ask again with its id."""

    def __init__(self, command_id: str) -> None:
        super().__init__(f"command {command_id} is still under way")
        self.command_id = command_id


def broker(
    client: redis.Redis, *, dead_after_ms: int = 30_000, kind: type[RedisBroker] = RedisBroker
) -> RedisBroker:
    """A broker that senders and workers share. dead_after_ms: silence after which a worker's messages move on."""
    return kind(
        client=client,
        namespace=keys.QUEUE_NAMESPACE,
        middleware=[],
        heartbeat_timeout=dead_after_ms,
        # Dramatiq looks for dead workers on a share of its commands: 2 % of the polls of an idle worker finds one
        # within seconds, the default 0.1 % within minutes.
        maintenance_chance=20_000,
    )


def send(through: dramatiq.Broker, command: Command, *, command_id: str | None = None) -> str:
    """Put a command into its queue and return its id. Raises DependencyError when Redis is away.

    Sent in the course of a request or of another command, it carries on that one's request id; else its own id is it.
    """
    command_id = command_id or str(uuid.uuid4())
    message: dramatiq.Message[Any] = dramatiq.Message(
        queue_name=QUEUES[type(command)],
        actor_name=type(command).__name__,
        args=(msgspec.to_builtins(command),),
        kwargs={},
        options={REQUEST_ID: log.request_id() or command_id},
        message_id=command_id,
    )
    try:
        through.enqueue(message)
    except redis.RedisError as error:
        raise DependencyError(f"cannot send {type(command).__name__}: {error}") from error
    return command_id


def answer(client: redis.Redis, command_id: str, value: Any, *, error: str | None = None) -> None:
    """Store and announce the answer of a command."""
    raw = msgspec.json.encode(
        Answer(command_id=command_id, value=msgspec.Raw(msgspec.json.encode(value)), error=error)
    )
    with client.pipeline(transaction=True) as both:
        both.set(keys.answer(command_id), raw, ex=ANSWER_SECONDS)
        both.publish(keys.ANSWERS, raw)
        both.execute()


class Bus:
    """The asking side, one per api process: one subscription serves all waiting requests."""

    def __init__(self, client: redis.asyncio.Redis, through: dramatiq.Broker) -> None:
        self._client = client
        self._broker = through
        self._waiting: dict[str, set[asyncio.Future[Answer]]] = {}
        self._answers = Subscription(client, keys.ANSWERS, joined=self._catch_up, heard=self._announce)
        self.start, self.stop = self._answers.start, self._answers.stop

    async def send(self, command: Command, *, command_id: str | None = None) -> str:
        """Put a command into its queue without blocking the event loop; returns its id."""
        return await asyncio.to_thread(send, self._broker, command, command_id=command_id)

    async def ask(
        self, command: Command, kind: type[T], *, seconds: float, command_id: str | None = None
    ) -> T:
        """Send a command and wait for its answer, decoded as `kind`.

        Raises AnswerPendingError after `seconds`, CommandFailedError when the worker gave it up, DependencyError
        when Redis is away.
        """
        command_id = command_id or str(uuid.uuid4())
        with self._future(command_id) as future:
            await self.send(command, command_id=command_id)
            return await self._wait(command_id, future, kind, seconds)

    async def join(self, command_id: str, kind: type[T], *, seconds: float) -> T:
        """Wait for the answer of a command that somebody else sent. Raises as `ask` does."""
        with self._future(command_id) as future:
            if (stored := await self._stored(command_id)) is not None:
                return _decode(stored, kind)
            return await self._wait(command_id, future, kind, seconds)

    @contextlib.contextmanager
    def _future(self, command_id: str) -> Any:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command_id, set()).add(future)
        try:
            yield future
        finally:
            waiters = self._waiting[command_id]
            waiters.discard(future)
            if not waiters:
                del self._waiting[command_id]

    async def _wait(
        self, command_id: str, future: asyncio.Future[Answer], kind: type[T], seconds: float
    ) -> T:
        try:
            return _decode(await asyncio.wait_for(future, seconds), kind)
        except TimeoutError:
            # The announcement may have been lost while the subscription was being renewed.
            if (stored := await self._stored(command_id)) is not None:
                return _decode(stored, kind)
            raise AnswerPendingError(command_id) from None

    async def _stored(self, command_id: str) -> Answer | None:
        try:
            raw = await self._client.get(keys.answer(command_id))
        except redis.RedisError as error:
            raise DependencyError(f"cannot read an answer: {error}") from error
        return None if raw is None else msgspec.json.decode(raw, type=Answer)

    async def _catch_up(self) -> None:
        """Deliver what was answered while nobody listened."""
        for command_id in list(self._waiting):
            with _forgiving():
                if (stored := await self._stored(command_id)) is not None:
                    self._deliver(stored)

    def _announce(self, raw: bytes) -> None:
        with _forgiving():
            self._deliver(msgspec.json.decode(raw, type=Answer))

    def _deliver(self, answered: Answer) -> None:
        for future in self._waiting.get(answered.command_id, ()):
            if not future.done():
                future.set_result(answered)


@contextlib.contextmanager
def _forgiving() -> Iterator[None]:
    try:
        yield
    except msgspec.DecodeError as error:  # of a newer release, or not ours: never the end of listening
        _log.warning("answer_not_understood", error=str(error))


def _decode(answered: Answer, kind: type[T]) -> T:
    if answered.error is not None:
        raise CommandFailedError(answered.error)
    return msgspec.json.decode(answered.value, type=kind)
