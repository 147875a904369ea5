"""GET /health: whether this process can do its work."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Literal

import msgspec
import psycopg
import redis
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import deps, openapi, params, respond
from shared.probe import HEALTH_PATH

# A load balancer asks every few seconds; a dependency that takes longer than this is not there.
PATIENCE_SECONDS = 1.0

Connected = Literal["connected", "unavailable"]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """503 with the same fields when something is missing."""

    status: Literal["healthy", "unhealthy"]
    database: Connected
    redis: Connected


@get(
    HEALTH_PATH,
    operation_class=openapi.operation(),
    responses={**openapi.responses(Health, 400, 406), 503: openapi.responses(Health)[200]},
    summary="Readiness",
    tags=["operation"],
)
async def health(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Whether database and Redis answer, within a second."""
    params.parse(request.scope["query_string"], ())
    at = deps.of(request)
    database, cache = await asyncio.gather(
        _connected(at.database.ping(PATIENCE_SECONDS)), _connected(at.redis.ping())
    )
    well = database == cache == "connected"
    found = Health(status="healthy" if well else "unhealthy", database=database, redis=cache)
    return respond.json(found, status=200 if well else 503)


async def _connected(check: Awaitable[object]) -> Connected:
    try:
        await asyncio.wait_for(check, PATIENCE_SECONDS)
    except (psycopg.Error, redis.RedisError, TimeoutError):
        return "unavailable"
    return "connected"
