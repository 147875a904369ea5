"""GET /searches/trending and /searches/related: what many people search for, and nothing of what few do."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import answers, cache, deps, openapi, params, serving
from api.kinds import Integer, QueryText
from api.params import Parameter
from api.queries import matching
from api.queries import searches as queries
from api.serving import Draft, Plan
from shared.query import parser
from shared.query.canonical import canonical
from shared.query.limits import MAX_CHARACTERS

# Trends of a day do not change within a minute, and history is no article: nothing drops these answers.
SECONDS: Final = 60

LIMIT = Parameter(
    name="limit", kind=Integer(lowest=1, highest=50), description="Queries at most.", example=10, default=10
)
HOURS = Parameter(
    name="hours",
    kind=Integer(lowest=1, highest=168),
    description="The span that is looked at; it is compared with the span of the same length before it.",
    example=24,
    default=24,
)
Q = Parameter(
    name="q",
    kind=QueryText(longest=MAX_CHARACTERS),
    description="A query, as for a search.",
    example="climate",
    required=True,
)


class Trending(msgspec.Struct, frozen=True, kw_only=True):
    """fewest_people: a query that fewer people searched for is not told."""

    searches: list[queries.Trend]
    since: datetime
    until: datetime
    fewest_people: int = queries.FEWEST_PEOPLE


class RelatedSearches(msgspec.Struct, frozen=True, kw_only=True):
    """fewest_people: a query that fewer people searched for is not told."""

    query: str
    searches: list[queries.Related]
    fewest_people: int = queries.FEWEST_PEOPLE


@get(
    "/searches/trending",
    operation_class=openapi.operation(HOURS, LIMIT),
    responses=openapi.responses(Trending, 406),
    summary="What people search for more than before",
    tags=["searches"],
)
async def trending(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Queries by how much they are searched for and how much more than before; at most a minute old.

    A query is told only when enough people searched for it.
    """
    values = params.parse(request.scope["query_string"], (HOURS, LIMIT))
    at = deps.of(request)

    async def read(connection: Any) -> Draft:
        now, span = at.clock(), timedelta(hours=values["hours"])
        found = await queries.trending(connection, now, span, values["limit"])
        return Draft(
            answers.answer(msgspec.json.encode(Trending(searches=found, since=now - span, until=now)))
        )

    name = cache.digest(("trending", values["hours"], values["limit"]))
    return await serving.answered(request, at, Plan(name=name, read=read, query=None, seconds=SECONDS))


@get(
    "/searches/related",
    operation_class=openapi.operation(Q, LIMIT),
    responses=openapi.responses(RelatedSearches, 406),
    summary="What people search for beside a query",
    tags=["searches"],
)
async def related(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Queries of the last week that share words with `q`, or that the same people searched for at the same time.

    A query is told only when enough people searched for it; at most a minute old.
    """
    values = params.parse(request.scope["query_string"], (Q, LIMIT))
    query = parser.parse(values["q"])
    q = canonical(query.root)  # as history has it
    at = deps.of(request)

    async def read(connection: Any) -> Draft:
        await matching.check(connection, query)
        found = await queries.related(connection, q, at.clock(), values["limit"])
        return Draft(answers.answer(msgspec.json.encode(RelatedSearches(query=q, searches=found))))

    name = cache.digest(("related", q, values["limit"]))
    return await serving.answered(request, at, Plan(name=name, read=read, query=None, seconds=SECONDS))
