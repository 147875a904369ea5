"""The worker process: `python -m ingest.worker --queues interactive|bulk|interactive,bulk`.

One process, a few threads; more processes scale it. A message is acknowledged after its handler returned, so a
killed worker's messages are delivered again. A handler that fails is retried with growing pauses and ends, after
the last try, in Dramatiq's dead-letter queue, counted and logged. One that raises Retry has not failed.
"""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dramatiq
import msgspec
import structlog
from dramatiq.errors import Retry
from dramatiq.middleware import CurrentMessage, Middleware, Retries

from ingest import bootstrap, consumer
from ingest.handlers import HANDLERS, Handler
from ingest.handlers.fetch_query import forget_flight
from ingest.ports import Ports
from shared import bus, emf, inner_port, log
from shared.commands import QUEUES, Command, FetchQuery, Queue, RunSlice
from shared.config import IngestSettings, load
from shared.errors import NewsIntelError
from shared.events import Refusal

# 0.2 s, 0.4 s, ... 6 s: a restarting database is back by then; what fails six times needs a person.
MAX_RETRIES = 5
MIN_BACKOFF_MS = 200
# What is under way may take this long to end: less than the 60 s after which a container is killed.
STOP_MS = 50_000

_log = structlog.get_logger("worker")


class Named(Middleware):
    """Whatever a thread logs names the command in its hands, and the request that it belongs to."""

    def before_process_message(self, _broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            command=message.actor_name,
            command_id=message.message_id,
            # A message of the release before this one has none.
            request_id=message.options.get(bus.REQUEST_ID, message.message_id),
        )


class Again(Retries):
    """A handler that wants its command again (Retry) says when, and ends that itself: only failures are limited."""

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: dramatiq.MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        if isinstance(exception, Retry):
            broker.enqueue(message, delay=exception.delay)  # type: ignore[arg-type]  # as Retries does
        else:
            super().after_process_message(  # type: ignore[no-untyped-call]
                broker, message, result=result, exception=exception
            )


class Failures(Middleware):
    """Makes a command that was given up visible: a count, a log line, and an answer for who still waits."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def after_nack(self, _broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        self._ports.metrics.count("command_dead_lettered", command=message.actor_name)
        _log.error("command_dead_lettered")
        _give_up(message, self._ports, "command_failed")


def build(ports: Ports) -> dramatiq.Broker:
    """A broker that knows an actor for every command."""
    broker = bus.broker(ports.redis, dead_after_ms=ports.settings.worker_dead_after_ms, kind=consumer.Broker)
    broker.add_middleware(Named())
    broker.add_middleware(CurrentMessage())
    broker.add_middleware(Again(max_retries=MAX_RETRIES, min_backoff=MIN_BACKOFF_MS))
    broker.add_middleware(Failures(ports))
    for kind, handler in HANDLERS.items():
        dramatiq.Actor(
            _carry_out(kind, handler, ports),
            broker=broker,
            actor_name=kind.__name__,
            queue_name=QUEUES[kind],
            # Of what a worker has at hand, a backfill's page is taken last.
            priority=int(kind is RunSlice),
            options={},
        )
    return broker


def _carry_out(kind: type[Command], handler: Handler, ports: Ports) -> Any:
    def carry_out(payload: dict[str, Any]) -> None:
        message = CurrentMessage.get_current_message()
        assert message is not None  # noqa: S101 - the middleware above sets it
        try:
            command = msgspec.convert(payload, kind)
        except msgspec.ValidationError as error:  # trying again would not mend it
            ports.metrics.count("command_invalid", command=kind.__name__)
            _log.error("command_invalid", error=str(error))
            _give_up(message, ports, Refusal.INVALID_COMMAND)
            return
        with _told(kind, ports):
            handler(command, ports, message.message_id)

    return carry_out


def _give_up(message: dramatiq.Message[Any] | dramatiq.MessageProxy, ports: Ports, error: str) -> None:
    """Tell whoever waits; who searches next may have the sources asked again."""
    match message.actor_name, message.args:
        case FetchQuery.__name__, [{"query_key": str(query_key)}]:
            forget_flight(query_key, ports)
    bus.answer(ports.redis, message.message_id, None, error=error)


@contextmanager
def _told(kind: type[Command], ports: Ports) -> Iterator[None]:
    """One line on how it went, and how long it took."""
    started = time.perf_counter()
    outcome = "failed"
    try:
        yield
        outcome = "ok"
    except Retry:
        outcome = "again"
        raise
    finally:
        took = (time.perf_counter() - started) * 1000
        ports.metrics.timing("command_duration", took, command=kind.__name__)
        _log.info("command", outcome=outcome, ms=round(took, 2))


def serve(ports: Ports, queues: set[Queue], stop: threading.Event) -> None:
    """Work until `stop`; then finish what is under way."""
    settings = ports.settings
    interactive = Queue.INTERACTIVE in queues
    worker = dramatiq.Worker(
        build(ports),
        queues=set(queues),
        worker_threads=settings.worker_threads,
        worker_timeout=settings.interactive_poll_ms if interactive else settings.bulk_poll_ms,
    )
    worker.queue_prefetch = settings.worker_threads
    worker.start()
    _log.info("worker_started", queues=sorted(queues))
    pages = {**inner_port.health(lambda: _works(worker)), **inner_port.measured(ports.metrics)}
    with inner_port.answering(settings.inner_host, settings.health_port, pages):
        stop.wait()
    worker.stop(timeout=STOP_MS)
    _log.info("worker_stopped", queues=sorted(queues))


def _works(worker: dramatiq.Worker) -> bool:
    """Whether every thread that takes or carries out messages is still there."""
    return all(thread.is_alive() for thread in [*worker.consumers.values(), *worker.workers])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ingest.worker", description=__doc__)
    parser.add_argument("--queues", default="interactive,bulk", help="comma list of: interactive, bulk")
    arguments = parser.parse_args()
    try:
        queues = {Queue(name) for name in arguments.queues.split(",")}
    except ValueError:
        parser.error(f"--queues: {arguments.queues!r} is not known; use interactive, bulk or both")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load(IngestSettings)
        log.configure(settings.log_level, service="worker")
        ports = bootstrap.ports(settings)
    except NewsIntelError as error:
        print(f"worker: {error}", file=sys.stderr)  # noqa: T201 - before logs are configured
        return 2
    with emf.written(ports.metrics, on=settings.metrics == "emf"):
        serve(ports, queues, stop)
    ports.database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
