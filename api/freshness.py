"""How fresh an answer is, and the one fetch per query that makes it fresher, however many readers ask."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import redis
import redis.asyncio
import structlog

from shared import keys
from shared.bus import AnswerPendingError, Bus, CommandFailedError
from shared.commands import FetchQuery
from shared.errors import DependencyError, NotConfiguredError
from shared.events import QueryFetched, SourceAsked
from shared.metrics import Metrics

State = Literal["fresh", "partial", "stale", "refreshing", "unknown"]

# A pull may be late by one whole round before its source counts as stale.
ROUNDS = 2

_log = structlog.get_logger("freshness")


class SourceFreshness(msgspec.Struct, frozen=True, kw_only=True):
    """How one source answered when it was last asked. reason: a sentence when the outcome is not ok.

    Whatever it was asked for: last_success_at: when it last gave what it was asked for; newest_published_at: of the
    articles that it gave. The two are apart: NewsAPI's free plan answers at once, with yesterday's news.
    """

    source: str
    asked_at: datetime | None
    outcome: str
    reason: str | None
    new_articles: int
    last_success_at: datetime | None
    newest_published_at: datetime | None


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """Part of every list answer.

    fresh: every configured source answered; partial: some did; stale: none did; refreshing: they are being asked at
    this moment and `sources` tells how they answered last time; unknown: we cannot tell, `reason` says why.
    """

    state: State
    checked_at: datetime | None
    sources: list[SourceFreshness]
    reason: str | msgspec.UnsetType = msgspec.UNSET


class Flight(msgspec.Struct, frozen=True, kw_only=True):
    """The one refresh of a query. asked: how each source answered, empty while it is under way.

    command_id: None when nobody could be asked; seconds: for how long its outcome counts.
    """

    command_id: str | None
    asked: tuple[SourceAsked, ...] = ()
    seconds: int = 0
    reason: str | None = None

    @property
    def landed(self) -> bool:
        return bool(self.asked)


class Refresher:
    """Starts the refresh of a query or joins the one that is under way, in whatever process it was started."""

    def __init__(
        self, client: redis.asyncio.Redis, bus: Bus, metrics: Metrics, *, freshness_seconds: int
    ) -> None:
        self._client = client
        self._bus = bus
        self._metrics = metrics
        self._seconds = freshness_seconds

    async def flight(self, query: str, query_key: str, language: str | None) -> Flight:
        """The flight of this query, started now if there is none. Never raises: a refresh is a courtesy."""
        mine = str(uuid.uuid4())
        name = keys.flight(query_key)
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.set(name, mine, nx=True, ex=self._seconds, get=True)
                pipe.hvals(keys.asked(query_key))
                pipe.ttl(name)
                theirs, asked, seconds = await pipe.execute()
        except redis.RedisError as error:
            return self._failed("Redis is away", error)
        if theirs is not None:
            told = tuple(msgspec.json.decode(raw, type=SourceAsked) for raw in asked)
            return Flight(command_id=theirs.decode(), asked=told, seconds=seconds)
        command = FetchQuery(query=query, query_key=query_key, language=language)
        return await self._start(command, mine)

    async def _start(self, command: FetchQuery, command_id: str) -> Flight:
        try:
            await self._bus.send(command, command_id=command_id)
        except DependencyError as error:
            await self._forget(command.query_key)
            return self._failed("the queue is away", error)
        return Flight(command_id=command_id, seconds=self._seconds)

    async def _forget(self, query_key: str) -> None:
        """A flight that never left must not hold the next reader's back."""
        try:
            await self._client.delete(keys.flight(query_key))
        except redis.RedisError as error:
            _log.warning("flight_not_forgotten", error=str(error))

    async def landing(self, flight: Flight, seconds: float) -> bool:
        """Wait for a flight, at most so long; whether its articles can be searched now."""
        if flight.command_id is None or seconds <= 0:
            return False
        try:
            await self._bus.join(flight.command_id, QueryFetched, seconds=seconds)
        except AnswerPendingError:
            return False
        except (CommandFailedError, DependencyError) as error:
            self._failed("no answer", error)
            return False
        return True

    def _failed(self, what: str, error: Exception) -> Flight:
        self._metrics.count("refresh_failed", reason=what)
        _log.warning("refresh_failed", what=what, error=str(error))
        return Flight(command_id=None, reason=f"the sources could not be asked: {what}")


def of_flight(flight: Flight, last_time: Collection[SourceFreshness]) -> Freshness:
    """Freshness of an answer to a query; last_time stands in while the flight has not landed."""
    if flight.command_id is None:
        return Freshness(
            state="unknown", checked_at=None, sources=list(last_time), reason=flight.reason or msgspec.UNSET
        )
    if not flight.landed:
        return Freshness(state="refreshing", checked_at=None, sources=list(last_time))
    told = {each.source: msgspec.structs.asdict(each) for each in flight.asked}
    return Freshness(
        state=_state([(each.outcome, each.outcome == "ok") for each in flight.asked]),
        checked_at=max(each.asked_at for each in flight.asked),
        sources=[
            msgspec.structs.replace(each, **told[each.source]) for each in last_time if each.source in told
        ],
    )


def of_cadence(pulls: Iterable[tuple[SourceFreshness, int | None]], now: datetime) -> Freshness:
    """Freshness of an answer without words: each source's newest pull, and its cadence."""
    told, judged = [], []
    for each, cadence in pulls:
        told.append(each)
        if cadence is not None:
            succeeded = each.last_success_at
            in_time = succeeded is not None and now - succeeded <= timedelta(seconds=ROUNDS * cadence)
            judged.append((each.outcome, in_time))
    moments = [each.asked_at for each in told if each.asked_at]
    return Freshness(state=_state(judged), checked_at=max(moments, default=None), sources=told)


def _state(judged: Iterable[tuple[str, bool]]) -> State:
    """A source without a key is not late: it is shown with its reason and does not make an answer partial."""
    good = [well for outcome, well in judged if well or outcome != NotConfiguredError.code]
    if not any(good):
        return "stale"
    return "fresh" if all(good) else "partial"
