"""/ops/backfills: operators plan, start, watch and steer backfills, with the commands that the command line sends."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from msgspec import Meta

from api import bodies, carry, deps, openapi, params, respond
from api.auth import guards
from api.carry import IDEMPOTENCY_KEY
from api.kinds import ROW_ID, Integer
from api.params import Parameter, PathText
from api.queries import backfills as queries
from api.queries.backfills import Backfill, Found, Progress
from shared.commands import (
    CancelBackfill,
    ChangeBackfill,
    PauseBackfill,
    PlanBackfill,
    ResumeBackfill,
    StartBackfill,
    Words,
)
from shared.errors import NotFoundError
from shared.events import BackfillChanged, BackfillPlan
from shared.pace import Pace, pages_per_hour, recent_since, seconds_left
from shared.sources import SOURCES, SourceName

BACKFILL_ID = Parameter(
    name="backfill_id",
    kind=ROW_ID,
    description="The `id` of a backfill in the list.",
    example=1,
    place="path",
)
LIMIT = Parameter(
    name="limit",
    kind=Integer(lowest=1, highest=100),
    description="At most this many.",
    example=20,
    default=20,
)
BEFORE = Parameter(
    name="before",
    kind=ROW_ID,
    description="Only backfills with a smaller id: the last one of the page before.",
    example=20,
    default=ROW_ID.highest,
)
_OPERATORS: Final = [guards.operator]
_PROBLEMS: Final = (202, 404, 409, "operators_only")


class BackfillBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[since, until); query: words for every source, without it its topics; gaps: only where a topic was not pulled."""

    since: Annotated[datetime, Meta(tz=True)]
    until: Annotated[datetime, Meta(tz=True)]
    sources: Annotated[list[SourceName], Meta(min_length=1, max_length=3)] = msgspec.field(
        default_factory=lambda: list(SOURCES)
    )
    query: Words | None = None
    gaps: bool = False

    def __post_init__(self) -> None:
        PlanBackfill(**self.fields())  # raises ValueError with what does not go together

    def fields(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)


class BackfillList(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    backfills: list[Backfill]


class SourceProgress(Progress, frozen=True, kw_only=True):
    """One source. pages: calls that brought something; calls_left: expected of what waits; retry_at, reason: until
    when it waits, and why; failed_reason: why the failed slices were given up, the first one's; pages_per_hour: of the
    last hour, or since it was started or resumed; seconds_left: until retry_at, and then calls_left at the calls a day
    that a plan counts with. Both are null unless it runs, and when ingest has not told what they take.
    """

    pages_per_hour: float | None
    seconds_left: int | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill and how far it is."""

    backfill: Backfill
    progress: list[SourceProgress]


@post(
    "/ops/backfills/plan",
    status_code=200,
    guards=_OPERATORS,
    operation_class=openapi.operation(body=BackfillBody),
    responses=openapi.responses(BackfillPlan, 202, 409, "operators_only"),
    summary="What a backfill would take",
    tags=["operation"],
)
async def plan(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Slices, calls and days within the budgets, by source; nothing is started."""
    params.none(request)
    body = await bodies.read(request, BackfillBody)

    async def shown(found: BackfillPlan) -> ASGIResponse:
        return respond.private(found)

    return await carry.out(request, PlanBackfill(**body.fields()), BackfillPlan, shown)


@post(
    "/ops/backfills",
    guards=_OPERATORS,
    operation_class=openapi.operation(IDEMPOTENCY_KEY, body=BackfillBody),
    responses=openapi.responses(BackfillChanged, 202, 409, 422, "operators_only", created=True),
    summary="Start a backfill",
    tags=["operation"],
)
async def start(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Live work comes first; a backfill that finds no budget waits for it.

    A source of which live work needs all calls is left out; when no other remains, that is a 409.
    """
    params.none(request)
    body, who = await bodies.read(request, BackfillBody), _who(request)
    key = f"{who}:{carry.idempotency_key(request)}"[:200]

    async def shown(done: BackfillChanged) -> ASGIResponse:
        headers = {"Location": f"/ops/backfills/{done.backfill_id}"}
        return respond.private(done, status=201 if done.created else 200, headers=headers)

    command = StartBackfill(**body.fields(), key=key, requested_by=who)
    return await carry.out(request, command, BackfillChanged, shown)


@get(
    "/ops/backfills",
    guards=_OPERATORS,
    operation_class=openapi.operation(LIMIT, BEFORE),
    responses=openapi.responses(BackfillList, 304, "operators_only"),
    summary="Backfills",
    tags=["operation"],
)
async def list_backfills(request: Request[Any, Any, Any]) -> ASGIResponse:
    asked = params.parse(request.scope["query_string"], (LIMIT, BEFORE))
    read = functools.partial(queries.newest, before=asked["before"], count=asked["limit"])
    return respond.private(BackfillList(backfills=await deps.of(request).database.read(read)), request)


@get(
    "/ops/backfills/{backfill_id:str}",
    guards=_OPERATORS,
    operation_class=openapi.operation(BACKFILL_ID),
    responses=openapi.responses(Status, 304, 404, "operators_only"),
    summary="How far a backfill is",
    tags=["operation"],
)
async def one_backfill(request: Request[Any, Any, Any], backfill_id: PathText) -> ASGIResponse:
    """By source: slices, pages, articles, rate and time left, why it waits and what failed."""
    params.none(request)
    at, number = deps.of(request), BACKFILL_ID.read(backfill_id)
    found = await at.database.read(functools.partial(queries.status, backfill_id=number))
    if found is None:
        raise NotFoundError("there is no such backfill")
    progress = [
        SourceProgress(**msgspec.structs.asdict(each), **msgspec.structs.asdict(pace))
        for each, pace in zip(found.progress, await _paces(found, at), strict=True)
    ]
    return respond.private(Status(backfill=found.backfill, progress=progress), request)


async def _paces(found: Found, at: deps.Deps) -> list[Pace]:
    """Of each source."""
    if found.backfill.state != "running":
        return [Pace() for _ in found.progress]
    now, going_since = at.clock(), found.changed_at
    since = recent_since(going_since, now)
    paces = []
    for each in found.progress:
        told = await at.statuses.backfill(found.backfill.id, each.source, since)
        pace = (
            Pace()
            if told is None
            else Pace(
                pages_per_hour=pages_per_hour(told.pages, going_since, now),
                seconds_left=seconds_left(each.calls_left, told.calls_per_day, each.retry_at, now),
            )
        )
        paces.append(pace)
    return paces


def _steers(verb: str, summary: str) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """The decorator of a route that changes a backfill."""
    return post(
        f"/ops/backfills/{{backfill_id:str}}/{verb}",
        status_code=200,
        guards=_OPERATORS,
        operation_class=openapi.operation(BACKFILL_ID),
        responses=openapi.responses(BackfillChanged, *_PROBLEMS),
        summary=summary,
        tags=["operation"],
    )


@_steers("pause", "Pause a backfill")
async def pause(request: Request[Any, Any, Any], backfill_id: PathText) -> ASGIResponse:
    """No further page is fetched until it is resumed."""
    return await _change(request, PauseBackfill, backfill_id)


@_steers("resume", "Resume a backfill")
async def resume(request: Request[Any, Any, Any], backfill_id: PathText) -> ASGIResponse:
    """Go on after a pause; what failed is tried again, also while the rest runs."""
    return await _change(request, ResumeBackfill, backfill_id)


@_steers("cancel", "Cancel a backfill")
async def cancel(request: Request[Any, Any, Any], backfill_id: PathText) -> ASGIResponse:
    """Give up the rest; what is stored stays."""
    return await _change(request, CancelBackfill, backfill_id)


async def _change(
    request: Request[Any, Any, Any], kind: type[ChangeBackfill], backfill_id: str
) -> ASGIResponse:
    params.none(request)
    number = BACKFILL_ID.read(backfill_id)

    async def shown(done: BackfillChanged) -> ASGIResponse:
        return respond.private(done)

    command = kind(backfill_id=number, requested_by=_who(request))
    return await carry.out(request, command, BackfillChanged, shown)


def _who(request: Request[Any, Any, Any]) -> str:
    """For the audit log."""
    return f"user:{carry.user_id(request)}"
