"""GET /articles/{id}/similar."""

import functools
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import answers, deps, openapi, params, respond
from api.kinds import Integer
from api.params import Parameter, PathText
from api.queries import similar as queries
from api.routes.articles import ARTICLE_ID

LIMIT = Parameter(
    name="limit",
    kind=Integer(lowest=1, highest=50),
    description="Articles at most, each of another story.",
    example=5,
    default=10,
)


@get(
    "/articles/{article_id:str}/similar",
    operation_class=openapi.operation(ARTICLE_ID, LIMIT),
    responses=openapi.responses(queries.Similar, 404, 406),
    summary="Articles about the same things",
    tags=["articles"],
)
async def similar(request: Request[Any, Any, Any], article_id: PathText) -> ASGIResponse:
    """Articles of other stories, published within two months or so, that share the most telling words of this one.

    `terms` says what this article was found to be about (word stems), `shared_terms` why each other one is here.
    """
    values = params.parse(request.scope["query_string"], (LIMIT,))
    number = ARTICLE_ID.read(article_id)
    found = await deps.of(request).database.read(
        functools.partial(queries.similar, article_id=number, limit=values["limit"])
    )
    return respond.kept(request, answers.answer(msgspec.json.encode(found)), "fwd=bypass")
