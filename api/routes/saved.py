"""/me/saved: what a user keeps, with notes and tags."""

import functools
from typing import Any, Final

import msgspec
from litestar import Request, delete, get, patch, post, put
from litestar.response.base import ASGIResponse

from api import bodies, carry, deps, openapi, paging, params, respond
from api.auth import guards
from api.carry import IDEMPOTENCY_KEY, IF_MATCH
from api.formats import sheet
from api.kinds import ROW_ID, Choice, Text
from api.paging import CURSOR, LIMIT
from api.params import Parameter, PathText
from api.queries import saved as queries
from api.queries.saved import Saved, Wanted
from api.routes.articles import ARTICLE_ID
from api.routes.stories import STORY_ID
from shared import events
from shared.commands import EditSaved, Id, Notes, RemoveSaved, SaveArticle, Tags
from shared.errors import BadParameterError

READ: Final = [guards.scope("me:read")]
WRITE: Final = [guards.scope("me:write")]

LIST = (
    Parameter(
        name="q",
        kind=Text(longest=200),
        description="Text in title, notes, outlet or address.",
        example="climate",
    ),
    Parameter(name="tag", kind=Text(longest=50), description="Only with this tag.", example="work"),
    Parameter(
        name="kind",
        kind=Choice(names=("article", "story")),
        description="Only articles or only stories.",
        example="article",
    ),
    CURSOR,
    LIMIT,
)
EXPORT = (
    Parameter(
        name="format",
        kind=Choice(names=("csv", "json")),
        description="`csv` for spreadsheets.",
        example="csv",
        default="json",
    ),
)
SAVED_ID = Parameter(
    name="saved_id",
    kind=ROW_ID,
    description="The `id` of an entry in the list.",
    example=1,
    place="path",
)


class SavedList(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first. next: cursor of the next page, null on the last."""

    saved: list[Saved]
    next: str | None


class SaveBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to save: one of the two ids."""

    article_id: Id | None = None
    story_id: Id | None = None
    notes: Notes = ""
    tags: Tags = []


class KeepBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to say about it."""

    notes: Notes = ""
    tags: Tags = []


class EditBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not given stays as it is."""

    notes: Notes | None = None
    tags: Tags | None = None


@get(
    "/me/saved",
    guards=READ,
    operation_class=openapi.operation(*LIST),
    responses=openapi.responses(SavedList, 304),
    summary="What I saved",
    tags=["saved"],
)
async def list_saved(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Newest first."""
    values = params.parse(request.scope["query_string"], LIST)
    after = paging.read(values["cursor"], Id)
    wanted = Wanted(q=values["q"], tag=values["tag"], kind=values["kind"], after=after)
    limit: int = values["limit"]
    rows = await deps.of(request).database.read(
        functools.partial(queries.page, user_id=carry.user_id(request), wanted=wanted, limit=limit + 1)
    )
    following = paging.write(rows[limit - 1].saved_at, rows[limit - 1].id) if len(rows) > limit else None
    return respond.private(SavedList(saved=rows[:limit], next=following), request)


@get(
    "/me/saved/export",
    guards=READ,
    operation_class=openapi.operation(*EXPORT),
    responses=openapi.responses(SavedList),
    summary="All that I saved, as a file",
    tags=["saved"],
)
async def export_saved(request: Request[Any, Any, Any]) -> ASGIResponse:
    """CSV or JSON."""
    values = params.parse(request.scope["query_string"], EXPORT)
    rows = await deps.of(request).database.read(
        functools.partial(queries.page, user_id=carry.user_id(request), wanted=Wanted(), limit=None)
    )
    if values["format"] == "csv":
        return respond.file(_sheet(rows), "saved.csv", "text/csv; charset=utf-8")
    everything = msgspec.json.encode(SavedList(saved=rows, next=None))
    return respond.file(everything, "saved.json", "application/json")


def _sheet(rows: list[Saved]) -> bytes:
    plain = ({**msgspec.to_builtins(row), "tags": ", ".join(row.tags)} for row in rows)
    return sheet.written(Saved.__struct_fields__, (each.values() for each in plain))


@get(
    "/me/saved/{saved_id:str}",
    guards=READ,
    operation_class=openapi.operation(SAVED_ID),
    responses=openapi.responses(Saved, 304, 404),
    summary="One saved entry",
    tags=["saved"],
)
async def one_saved(request: Request[Any, Any, Any], saved_id: PathText) -> ASGIResponse:
    """Its ETag is what an edit sends as If-Match."""
    params.none(request)
    return await _shown(request, SAVED_ID.read(saved_id), 200)


@post(
    "/me/saved",
    guards=WRITE,
    operation_class=openapi.operation(IDEMPOTENCY_KEY, body=SaveBody, tagged=True),
    responses=openapi.responses(Saved, 202, 404, 409, 422, created=True),
    summary="Save an article or a story",
    tags=["saved"],
)
async def save(request: Request[Any, Any, Any]) -> ASGIResponse:
    """201 when it is new; 200 when it was saved already."""
    params.none(request)
    body = await bodies.read(request, SaveBody)
    if (body.article_id is None) == (body.story_id is None):
        raise BadParameterError(
            "article_id", "it stands beside story_id, or both are missing", "give one of the two"
        )
    return await _save(request, msgspec.structs.asdict(body))


@put(
    "/me/saved/articles/{article_id:str}",
    guards=WRITE,
    operation_class=openapi.operation(ARTICLE_ID, IDEMPOTENCY_KEY, body=KeepBody, tagged=True),
    responses=openapi.responses(Saved, 202, 404, 409, 422, created=True),
    summary="Save an article",
    tags=["saved"],
)
async def save_article(request: Request[Any, Any, Any], article_id: PathText) -> ASGIResponse:
    """201 when it is new; 200 when it was saved already."""
    params.none(request)
    body = await bodies.read(request, KeepBody)
    number = ARTICLE_ID.read(article_id)
    return await _save(request, {"article_id": number, **msgspec.structs.asdict(body)})


@put(
    "/me/saved/stories/{story_id:str}",
    guards=WRITE,
    operation_class=openapi.operation(STORY_ID, IDEMPOTENCY_KEY, body=KeepBody, tagged=True),
    responses=openapi.responses(Saved, 202, 404, 409, 422, created=True),
    summary="Save a story",
    tags=["saved"],
)
async def save_story(request: Request[Any, Any, Any], story_id: PathText) -> ASGIResponse:
    """201 when it is new; 200 when it was saved already."""
    params.none(request)
    body = await bodies.read(request, KeepBody)
    number = STORY_ID.read(story_id)
    return await _save(request, {"story_id": number, **msgspec.structs.asdict(body)})


@patch(
    "/me/saved/{saved_id:str}",
    guards=WRITE,
    operation_class=openapi.operation(SAVED_ID, IF_MATCH, IDEMPOTENCY_KEY, body=EditBody),
    responses=openapi.responses(Saved, 202, 404, 409, 412, 422),
    summary="Change notes or tags",
    tags=["saved"],
)
async def edit_saved(request: Request[Any, Any, Any], saved_id: PathText) -> ASGIResponse:
    """With If-Match a change that somebody else made meanwhile is not lost."""
    params.none(request)
    number = SAVED_ID.read(saved_id)
    body = await bodies.read(request, EditBody)
    command = EditSaved(
        **carry.write_fields(request),
        saved_id=number,
        notes=body.notes,
        tags=body.tags,
        if_match=carry.if_match(request),
    )
    return await carry.out(request, command, events.Saved, lambda done: _shown(request, done.saved_id, 200))


@delete(
    "/me/saved/{saved_id:str}",
    status_code=200,
    guards=WRITE,
    operation_class=openapi.operation(SAVED_ID, IF_MATCH, IDEMPOTENCY_KEY),
    responses=openapi.responses(None, 202, 404, 412, 422),
    summary="Remove a saved entry",
    tags=["saved"],
)
async def remove_saved(request: Request[Any, Any, Any], saved_id: PathText) -> ASGIResponse:
    """The article itself stays."""
    params.none(request)
    number = SAVED_ID.read(saved_id)
    command = RemoveSaved(**carry.write_fields(request), saved_id=number, if_match=carry.if_match(request))
    return await carry.out(request, command, events.Removed, respond.no_content)


async def _save(request: Request[Any, Any, Any], what: dict[str, Any]) -> ASGIResponse:
    command = SaveArticle(**carry.write_fields(request), **what)

    async def shown(done: events.Saved) -> ASGIResponse:
        return await _shown(request, done.saved_id, 201 if done.created else 200)

    return await carry.out(request, command, events.Saved, shown)


async def _shown(request: Request[Any, Any, Any], saved_id: int, status: int) -> ASGIResponse:
    found = await deps.of(request).database.read(
        functools.partial(queries.one, user_id=carry.user_id(request), saved_id=saved_id)
    )
    headers = {"Content-Location": f"/me/saved/{saved_id}"}
    if status == 201:  # noqa: PLR2004 - Created
        headers["Location"] = f"/me/saved/{saved_id}"
    return respond.versioned(request, found, found.version, status, headers)
