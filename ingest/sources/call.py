"""One call to a source with everything around it: circuit, budget, attempts, pauses, counting.

circuit.admit → ledger.charge → (wait for the turn) → transport.send → ledger.observe → read → one log line
      └── again, after a pause, for as long as the failure may pass and attempts are left ──┘
"""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
import tenacity

from ingest.ports import Priority
from ingest.sources.budget import Ledger, Observed
from ingest.sources.circuit import Circuit
from ingest.sources.http import Answer, Request, Transport
from shared.clock import Clock, utcnow
from shared.errors import (
    BadAnswerError,
    BudgetSpentError,
    CircuitOpenError,
    RateLimitedError,
    SourceError,
    UnreachableError,
)
from shared.metrics import OK, Metrics

# A worker's thread is not held longer than this by a source that asks for a pause; the job comes back instead. A reader
# waits for all sources, so that one in trouble gets one more try and no more.
LONGEST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE_INTERACTIVE = timedelta(seconds=1)
ATTEMPTS_INTERACTIVE = 2
# A 429 that names no time, again and again.
QUIET = timedelta(seconds=60)
_FAILURES = (UnreachableError, BadAnswerError)
_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=4)  # full jitter

_log = structlog.get_logger("source")

T = TypeVar("T")
Sleep = Callable[[float], None]
Observer = Callable[[Mapping[str, str], datetime], Iterable[Observed]]


class Caller:
    """The only way to a source."""

    def __init__(
        self,
        source: str,
        *,
        transport: Transport,
        ledger: Ledger,
        circuit: Circuit,
        metrics: Metrics,
        max_attempts: int,
        observer: Observer = lambda _headers, _now: (),
        clock: Clock = utcnow,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._source = source
        self._transport = transport
        self._ledger = ledger
        self._circuit = circuit
        self._metrics = metrics
        self._observer = observer
        self._clock = clock
        self._sleep = sleep
        self._bulk = self._retrying(max_attempts, LONGEST_PAUSE)
        self._interactive = self._retrying(min(max_attempts, ATTEMPTS_INTERACTIVE), LONGEST_PAUSE_INTERACTIVE)

    def call(self, request: Request, read: Callable[[Answer], T], priority: Priority) -> T:
        """Ask, and have `read` understand the answer (a SourceError that it raises counts as the call's outcome).

        Raises a SourceError, or redis.RedisError when Redis is away: without the ledger no call is made.
        """
        retrying = self._interactive if priority is Priority.INTERACTIVE else self._bulk
        try:
            return retrying(lambda: self._attempt(request, read, priority))
        except RateLimitedError as error:
            error.retry_at = error.retry_at or self._clock() + QUIET
            self._ledger.close(error.retry_at)
            raise

    def _attempt(self, request: Request, read: Callable[[Answer], T], priority: Priority) -> T:
        wait = self._admit(priority)
        if wait:
            self._sleep(wait)
        started = time.perf_counter()
        try:
            answer = self._transport.send(request)
            for observed in self._observer(answer.headers, self._clock()):
                self._ledger.observe(observed)
            understood = read(answer)
        except SourceError as error:
            if isinstance(error, _FAILURES):
                self._circuit.failed(error.message)
            else:
                self._circuit.succeeded()  # it is there, it only does not give us this
            self._tell(error.code, started)
            raise
        self._circuit.succeeded()
        self._tell(OK, started)
        return understood

    def _admit(self, priority: Priority) -> float:
        try:
            probe = self._circuit.admit()
            try:
                return self._ledger.charge(priority)
            except BudgetSpentError:
                if probe:
                    self._circuit.abandon_probe()
                raise
        except (CircuitOpenError, BudgetSpentError) as error:
            self._metrics.count("source_calls_withheld", source=self._source, outcome=error.code)
            raise

    def _tell(self, outcome: str, started: float) -> None:
        self._metrics.count("source_calls", source=self._source, outcome=outcome)
        ms = round((time.perf_counter() - started) * 1000, 2)
        _log.info("source_call", source=self._source, outcome=outcome, ms=ms)

    def _retrying(self, attempts: int, longest_pause: timedelta) -> tenacity.Retrying:
        def may_pass(error: BaseException) -> bool:
            if not isinstance(error, (*_FAILURES, RateLimitedError)):
                return False
            return error.retry_at is None or error.retry_at - self._clock() <= longest_pause

        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(attempts),
            retry=tenacity.retry_if_exception(may_pass),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )

    def _pause(self, state: tenacity.RetryCallState) -> float:
        jitter = _backoff(state)
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, SourceError) and error.retry_at:
            return max((error.retry_at - self._clock()).total_seconds(), 0.0) + min(jitter, 1.0)
        return jitter
