"""GET /sources: how fresh each source is."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import deps, openapi, params, respond
from api.queries import sources as queries


class SourceList(msgspec.Struct, frozen=True, kw_only=True):
    """Every source that the product knows, at one moment."""

    sources: list[queries.Source]
    checked_at: datetime


@get(
    "/sources",
    operation_class=openapi.operation(),
    responses=openapi.responses(SourceList, 400, 406, 503),
    summary="Sources and their freshness",
    tags=["sources"],
)
async def list_sources(request: Request[Any, Any, Any]) -> ASGIResponse:
    """When each source was last asked, how that went and why, how old its newest article is, and each topic."""
    params.parse(request.scope["query_string"], ())
    at = deps.of(request)
    now = at.clock()
    found = await at.database.read(lambda connection: queries.overview(connection, now))
    return respond.json(SourceList(sources=found, checked_at=now))
