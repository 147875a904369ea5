"""GET /sources and /sources/{name}: how fresh each source is, and whether it may be asked."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import deps, kinds, openapi, params, respond
from api.kinds import Choice
from api.params import Parameter, PathText
from api.queries import sources as queries
from shared.errors import NotFoundError
from shared.events import SourceStatus
from shared.sources import SOURCES

NAME = Parameter(
    name="name", kind=Choice(names=SOURCES), description="A source.", example="guardian", place="path"
)


class SourceList(msgspec.Struct, frozen=True, kw_only=True):
    """Every source that the product knows, at one moment."""

    sources: list[queries.Source]
    checked_at: datetime


@get(
    "/sources",
    operation_class=openapi.operation(),
    responses=openapi.responses(SourceList, 406, tagged=False),
    summary="Sources and their freshness",
    tags=["sources"],
)
async def list_sources(request: Request[Any, Any, Any]) -> ASGIResponse:
    """When each source was last asked, how that went and why, how old its newest article is, and each topic."""
    params.none(request)
    at = deps.of(request)
    now = at.clock()
    found = await at.database.read(lambda connection: queries.overview(connection, at.holdings, now))
    return respond.momentary(SourceList(sources=found, checked_at=now))


class OneSource(queries.Source, frozen=True, kw_only=True):
    """A source with what it may still be asked. status: null when ingest has not told it for half a minute."""

    status: SourceStatus | None
    checked_at: datetime


@get(
    "/sources/{name:str}",
    operation_class=openapi.operation(NAME),
    responses=openapi.responses(OneSource, 404, 406, tagged=False),
    summary="One source: freshness, budget, circuit",
    tags=["sources"],
)
async def source(request: Request[Any, Any, Any], name: PathText) -> ASGIResponse:
    """Last success, lag and topics of one source; what is left of its budget, and whether it is left alone for now."""
    params.none(request)
    at = deps.of(request)
    now = at.clock()
    found = await at.database.read(lambda connection: queries.overview(connection, at.holdings, now))
    known = next((each for each in found if each.source == name), None)
    if known is None:
        raise NotFoundError(f"there is no source {kinds.quoted(name)}")
    told = await at.statuses.get(name)
    return respond.momentary(OneSource(**msgspec.structs.asdict(known), status=told, checked_at=now))
