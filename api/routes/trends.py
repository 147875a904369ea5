"""GET /articles/sentiment/trends and /articles/sentiment/summary: volume and tone, for any search."""

import functools
from datetime import MINYEAR, UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import answers, buckets, cache, deps, openapi, params, searching, serving
from api.kinds import Choice, TimeZone
from api.params import Parameter
from api.queries import trends as queries
from api.queries.matching import Wanted
from api.searching import Asked
from api.serving import Draft, Plan
from shared.errors import BadParameterError
from shared.query.standing import Standing, entry

# More buckets than a chart has room for; and what an answer may cost is bounded with it.
MOST_BUCKETS: Final = 1_000
# Without `from`: a week of hours, a month of days, half a year of weeks.
SPANS: Final = {"hour": timedelta(days=7), "day": timedelta(days=30), "week": timedelta(days=182)}
# Without a new article only the end of the time moves.
SECONDS: Final = 60

INTERVAL = Parameter(
    name="interval",
    kind=Choice(names=buckets.INTERVALS),
    description="What is counted together. Without `from`: the last 7 days by hour, 30 by day, 182 by week.",
    example="day",
    default="day",
)
ZONE = Parameter(
    name="tz",
    kind=TimeZone(),
    description="The time zone whose hours, days and weeks (from Monday) are meant.",
    example="Europe/Berlin",
    default="UTC",
)


class Trends(msgspec.Struct, frozen=True, kw_only=True):
    """Every bucket of the time asked for, the empty ones too. articles, coverage: their sums."""

    interval: str
    tz: str
    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    articles: int
    coverage: int
    buckets: list[queries.Bucket]


class Summary(queries.Distribution, frozen=True, kw_only=True):
    """The distribution of tone within a time."""

    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")


@get(
    "/articles/sentiment/trends",
    operation_class=openapi.operation(*searching.PARAMETERS, INTERVAL, ZONE),
    responses=openapi.responses(Trends, 406),
    summary="Volume and tone over time",
    tags=["sentiment"],
)
async def trends(request: Request[Any, Any, Any]) -> ASGIResponse:
    """How much is written and in which tone, by hour, day or week of a time zone, beside all coverage of that time.

    A day is as long as it is there: 23 or 25 hours when the clock is moved.
    """
    values = params.parse(request.scope["query_string"], (*searching.PARAMETERS, INTERVAL, ZONE))
    asked = searching.of_values(values)
    at = deps.of(request)
    interval, zone = values["interval"], ZoneInfo(values["tz"])
    begin, end = _time(asked, SPANS[interval], at.clock())
    _bounds(begin, end, interval, zone)  # refuses before anything is asked

    async def read(connection: Any) -> Draft:
        since, until = _time(asked, SPANS[interval], at.clock())
        wanted = _within(asked.wanted, since, until)
        found = await queries.buckets(connection, wanted, _bounds(since, until, interval, zone))
        answer = Trends(
            interval=interval,
            tz=zone.key,
            since=since.astimezone(zone),
            until=until.astimezone(zone),
            articles=sum(each.articles for each in found),
            coverage=sum(each.coverage for each in found),
            buckets=found,
        )
        return Draft(answers.answer(msgspec.json.encode(answer)))

    name = cache.digest(("trends", asked.key, interval, zone.key))
    # Every article of that time is coverage, so every one changes the answer: whatever the query finds.
    query = entry(Standing(since=_whole_hours(begin, asked), until=asked.wanted.until))
    return await serving.answered(request, at, Plan(name=name, read=read, query=query, seconds=SECONDS))


@get(
    "/articles/sentiment/summary",
    operation_class=openapi.operation(*searching.PARAMETERS),
    responses=openapi.responses(Summary, 406),
    summary="Distribution of tone",
    tags=["sentiment"],
)
async def summary(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Tone of everything that a search finds (without `from`: of the last 30 days): labels, histogram, outlets."""
    asked = searching.asked(request.scope["query_string"])
    at = deps.of(request)
    name = cache.digest(("summary", asked.key))
    read = functools.partial(_summary, asked, at)
    begin, _ = _time(asked, SPANS["day"], at.clock())
    query = entry(msgspec.structs.replace(asked.standing, since=_whole_hours(begin, asked)))
    return await serving.answered(request, at, Plan(name=name, read=read, query=query, seconds=SECONDS))


async def _summary(asked: Asked, at: deps.Deps, connection: Any) -> Draft:
    since, until = _time(asked, SPANS["day"], at.clock())
    found = await queries.distribution(connection, _within(asked.wanted, since, until))
    answer = Summary(**msgspec.structs.asdict(found), since=since, until=until)
    return Draft(answers.answer(msgspec.json.encode(answer), total=found.articles))


def _within(wanted: Wanted, since: datetime, until: datetime) -> Wanted:
    return msgspec.structs.replace(wanted, since=since, until=until)


def _time(asked: Asked, span: timedelta, now: datetime) -> tuple[datetime, datetime]:
    """Both ends of the time: as asked, else until now and for the usual span."""
    until = asked.wanted.until or now.astimezone(UTC)
    try:
        since = asked.wanted.since or until - span
    except OverflowError:
        raise BadParameterError(
            "to", "it is too long ago", "use a later time, or give `from` as well"
        ) from None
    if since >= until:
        raise BadParameterError(
            "from", "it lies in the future", "use a time before now, or give `to` as well"
        )
    return since, until


def _whole_hours(begin: datetime, asked: Asked) -> datetime:
    """From when on articles change the answer. What begins with the usual span begins later each time that it is made;
    within an hour all such answers stand under one text. An end that nobody asked for is left open for that reason.
    """
    return asked.wanted.since or begin.replace(minute=0, second=0, microsecond=0)


def _bounds(since: datetime, until: datetime, interval: buckets.Interval, zone: ZoneInfo) -> list[datetime]:
    try:
        found = buckets.boundaries(since, until, interval, zone, MOST_BUCKETS)
        return [each.astimezone(zone) for each in found]
    except OverflowError:
        # No time that may be asked for is so long that it reaches from one end to the other.
        name, end = ("from", "beginning") if since.year == MINYEAR else ("to", "end")
        raise BadParameterError(
            name,
            f"a bucket would reach over the {end} of the calendar",
            f"use a time further from the {end} of the calendar",
        ) from None
    except ValueError:
        raise BadParameterError(
            "interval",
            f"there are more than {MOST_BUCKETS:,} of them in this time",
            "use a longer interval, or narrower from and to",
        ) from None
