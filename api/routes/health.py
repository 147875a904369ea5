"""GET /health: whether this process can do its work; GET /health/alive: whether a new one would do better."""

import asyncio
from typing import Any, Literal

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import deps, openapi, params, respond
from shared.probe import ALIVE_PATH, HEALTH_PATH

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
    responses={
        **openapi.responses(Health, 406, counted=False, tagged=False),
        503: openapi.responses(Health)[200],
    },
    summary="Readiness",
    tags=["operation"],
)
async def health(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Whether database and Redis answer, within a second."""
    params.none(request)
    at = deps.of(request)
    database, cache = await asyncio.gather(
        at.database.answers(PATIENCE_SECONDS), at.cache.answers(PATIENCE_SECONDS)
    )
    found = Health(
        status="healthy" if database and cache else "unhealthy",
        database="connected" if database else "unavailable",
        redis="connected" if cache else "unavailable",
    )
    return respond.momentary(found, status=200 if database and cache else 503)


@get(ALIVE_PATH, include_in_schema=False)
async def alive() -> dict[str, str]:
    """Asks nobody: replacing a process brings back neither a lost database nor a lost Redis."""
    return {"status": "healthy"}
