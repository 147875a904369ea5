"""GET /articles/{id} and its sentiment."""

import functools
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import answers as made
from api import deps, openapi, params, respond
from api.kinds import ROW_ID
from api.params import Parameter, PathText
from api.queries import articles

ARTICLE_ID = Parameter(
    name="article_id",
    kind=ROW_ID,
    description="The `id` of an article in a list.",
    example=1,
    place="path",
)


@get(
    "/articles/{article_id:str}",
    operation_class=openapi.operation(ARTICLE_ID),
    responses=openapi.responses(articles.Article, 404, 406),
    summary="One article",
    tags=["articles"],
)
async def article(request: Request[Any, Any, Any], article_id: PathText) -> ASGIResponse:
    """An article with its sentiment and everyone else who tells the same story."""
    params.none(request)
    number = ARTICLE_ID.read(article_id)
    found = await deps.of(request).database.read(functools.partial(articles.by_id, article_id=number))
    return respond.kept(request, made.answer(msgspec.json.encode(found)), "fwd=bypass")


@get(
    "/articles/{article_id:str}/sentiment",
    operation_class=openapi.operation(ARTICLE_ID),
    responses=openapi.responses(articles.ArticleSentiment, 404, 406),
    summary="Sentiment of one article",
    tags=["articles"],
)
async def sentiment(request: Request[Any, Any, Any], article_id: PathText) -> ASGIResponse:
    """The tone of an article and how it was measured, or the reason why there is none."""
    params.none(request)
    number = ARTICLE_ID.read(article_id)
    found = await deps.of(request).database.read(functools.partial(articles.sentiment, article_id=number))
    return respond.kept(request, made.answer(msgspec.json.encode(found)), "fwd=bypass")
