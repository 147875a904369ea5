"""GET /stories/{id}."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from api import answers, cache, deps, openapi, params, respond, serving
from api.kinds import ROW_ID
from api.params import Parameter, PathText
from api.queries import stories
from api.serving import Draft, Plan

STORY_ID = Parameter(
    name="story_id",
    kind=ROW_ID,
    description="The `story_id` of an article.",
    example=1,
    place="path",
)
MOVED = 308


@get(
    "/stories/{story_id:str}",
    operation_class=openapi.operation(STORY_ID),
    responses={**openapi.responses(stories.Story, 404, 406), MOVED: openapi.moved()},
    summary="One story",
    tags=["stories"],
)
async def story(request: Request[Any, Any, Any], story_id: PathText) -> ASGIResponse:
    """Everybody who tells one story: in order of time, in which tone, and why each article belongs to it.

    Stories that turn out to be one are merged; the id that went answers with a permanent redirect (308).
    """
    params.none(request)
    number = STORY_ID.read(story_id)

    async def read(connection: Any) -> Draft:
        found = await stories.by_id(connection, number)
        if isinstance(found, stories.Moved):
            raise respond.MovedError(f"/stories/{found.into}")
        return Draft(answers.answer(msgspec.json.encode(found)), stories=[number])

    # Every article that joins the story changes it, and ingest drops the answers that show a story by its id.
    plan = Plan(name=cache.digest(("story", number)), read=read, query=None, seconds=300)
    try:
        return await serving.answered(request, deps.of(request), plan)
    except respond.MovedError as moved:
        return ASGIResponse(status_code=MOVED, headers={"Location": moved.to})
