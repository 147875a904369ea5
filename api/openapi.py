"""The OpenAPI document and its page, served by this process alone: no asset comes from anywhere else."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import PathParameter
from litestar.response.base import ASGIResponse

from api import examples, response_headers
from api.errors import MEDIA_TYPE, ROWS, Problem, Row
from api.kinds import Preference, QueryText
from api.params import Parameter

ASSETS_PATH: Final = "/docs/assets"
_MEANINGS: Final = {
    202: "The worker has not answered yet; Location is where to ask again. It is not lost.",
    304: "What the caller has (If-None-Match) still holds.",
    400: "A parameter or field is unknown, repeated or malformed; `parameter` and `allowed` say what is right.",
    401: "Not signed in, or the credentials are not valid (any more).",
    403: "Not allowed.",
    404: "There is no such thing.",
    406: "There is no answer in a form that the Accept header allows.",
    409: "It does not fit what is there.",
    412: "It was changed meanwhile (If-Match).",
    413: "The body is too large.",
    414: "The address is too long. One of more than 65,534 bytes is refused by the server itself, without a body.",
    415: "The body is not sent as JSON.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many requests; Retry-After says when to come back.",
    431: "The headers are too large.",
    500: "Something failed that should not; report it with the `request_id`.",
    503: "Not possible at the moment; Retry-After says when to try again.",
}
_EMPTY: Final = {204: "It is done.", 303: "To where Location says."}
# Swagger UI as the wheel `offapi` carries it: public name -> (its file, media type).
ASSETS: Final = {
    "swagger-ui-bundle.js": ("swagger_bundle.js", "text/javascript"),
    "swagger-ui-standalone-preset.js": ("swagger_preset.js", "text/javascript"),
    "swagger-ui.css": ("swagger_style.css", "text/css"),
}
_START_NAME: Final = "start.js"
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{assets}/swagger-ui.css">
</head>
<body>
<div id="swagger-container"></div>
<script src="{assets}/swagger-ui-bundle.js"></script>
<script src="{assets}/swagger-ui-standalone-preset.js"></script>
<script src="{assets}/start.js"></script>
</body>
</html>
"""
# A page that was reached through a sign-in sends writes with the token that belongs to its session's cookie.
_START: Final = """
SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#swagger-container",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  requestInterceptor: (request) => {
    const found = document.cookie.match(/(?:^|; )(?:__Host-)?newsintel-csrf=([^;]+)/);
    if (found) request.headers["X-CSRF-Token"] = found[1];
    return request;
  },
});
"""
_DESCRIPTION: Final = """
One clean, fresh, deduplicated archive of news from NewsAPI, The Guardian and Reddit.

Every list tells how fresh it is. Every error is `application/problem+json` with a stable `code` and says what to do.
An unknown or malformed parameter is refused and named, never ignored. What takes GET takes HEAD.
"""

_SECURITY: Final[dict[str, SecurityScheme | Reference]] = {
    "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
    "key": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
    "cookie": SecurityScheme(type="apiKey", name="__Host-newsintel", security_scheme_in="cookie"),
}


IF_NONE_MATCH: Final = Parameter(
    name="If-None-Match",
    kind=Preference(),
    description="The ETag of an answer that the caller has: 304 without content while it still holds.",
    example='"33a64df551425fcc55e4d42a148795d9"',
    place="header",
)


class Page(SwaggerRenderPlugin):
    """Swagger UI without a script in the page itself, so that the page's policy can forbid those."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        del request
        return _PAGE.format(title=escape(openapi_schema["info"]["title"]), assets=ASSETS_PATH).encode()


def config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="News Intelligence Platform",
        version="0.1.0",
        description=_DESCRIPTION,
        path="/docs",
        render_plugins=[Page(path="/"), JsonRenderPlugin(path="/openapi.json")],
        use_handler_docstrings=True,
        components=Components(
            security_schemes=_SECURITY,
            headers=response_headers.components(),
            examples={code: Example(value=each) for code, each in examples.problems().items()},
        ),
    )


@get(ASSETS_PATH + "/{name:str}", include_in_schema=False)
async def asset(name: Annotated[str, PathParameter()]) -> ASGIResponse:
    """One file of the documentation page."""
    headers = {"Cache-Control": "public, max-age=86400"}
    if name == _START_NAME:
        return ASGIResponse(body=_START.encode(), media_type="text/javascript", headers=headers)
    if name not in ASSETS:
        raise NotFoundException
    file, media_type = ASSETS[name]
    # A megabyte and a half, read once by each browser: not worth keeping in memory.
    return ASGIResponse(body=(_folder() / file).read_bytes(), media_type=media_type, headers=headers)


def _folder() -> Path:
    """Where `offapi` is; importing it would put nine megabytes of templates into memory."""
    spec = importlib.util.find_spec("offapi")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package offapi is not installed")
    return Path(spec.origin).parent


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The worker has not answered yet. It is not lost: ask again under the id."""

    id: str
    status: str = "pending"


class BodySchema(Schema):
    """The schema of a body as msgspec writes it, from the very Struct that decodes or encodes it."""

    def __init__(self, kind: type[Any]) -> None:
        super().__init__()
        (plain,), named = msgspec.json.schema_components((kind,), ref_template="{name}")
        self._plain: dict[str, Any] = _in_full(plain, named)

    def to_schema(self) -> dict[str, Any]:
        return self._plain


def _in_full(part: Any, named: dict[str, Any]) -> Any:
    """Without references, for which this document has no place."""
    if isinstance(part, list):
        return [_in_full(each, named) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _in_full(named[part["$ref"]], named)
    return {name: _in_full(each, named) for name, each in part.items()}


class Form(NamedTuple):
    """A form of an answer beside the JSON of its route. kind: the Struct that it is made of, None for text."""

    media_type: str
    example: Any
    kind: type[Any] | None = None

    def documented(self) -> OpenAPIMediaType:
        schema = BodySchema(self.kind) if self.kind else Schema(type=OpenAPIType.STRING)
        return OpenAPIMediaType(schema=schema, examples={"example": Example(value=self.example)})


def operation(
    *parameters: Parameter, body: type[Any] | None = None, forms: Iterable[Form] = (), tagged: bool = False
) -> type[Operation]:
    """The `operation_class` of a route that reads these parameters, and a JSON body, itself.

    forms: of its answer beside JSON; tagged: what it writes comes back with an ETag.
    """
    others = {form.media_type.partition(";")[0]: form.documented() for form in forms}
    reads = {
        "queries": any(isinstance(each.kind, QueryText) for each in parameters),
        "pages": bool(others),
        "bodies": body is not None,
    }
    more = [row for row in ROWS.values() if reads.get(row.where)]
    preferred = any(each.name == "Prefer" for each in parameters)

    @dataclass
    class Documented(Operation):
        def __post_init__(self) -> None:
            found = {
                status: each
                for status, each in (self.responses or {}).items()
                if isinstance(each, OpenAPIResponse)
            }
            if any(str(status) in found for status in _EMPTY):
                found.pop("200", None)  # the framework's own idea of success
            answer = found.get("200")
            if answer and answer.content:
                answer.content |= others
            if body:
                content = {"application/json": OpenAPIMediaType(schema=BodySchema(body))}
                self.request_body = RequestBody(content=content, description=body.__doc__)
                found["415"] = _like(found["500"], 415)
            _show(found, more)
            response_headers.document(found, tagged=tagged, paged=bool(others), preferred=preferred)
            self.responses = {**found}
            read = (*parameters, IF_NONE_MATCH) if "304" in found else parameters
            self.parameters = [parameter.documented() for parameter in read]

    return Documented


def _like(error: OpenAPIResponse, status: int) -> OpenAPIResponse:
    """Another error, in the same form."""
    form = (error.content or {})[MEDIA_TYPE]
    content = {MEDIA_TYPE: OpenAPIMediaType(schema=form.schema, examples={})}
    return OpenAPIResponse(description=_MEANINGS[status], content=content)


def _show(found: dict[str, OpenAPIResponse], more: list[Row]) -> None:
    """Let each error refer to the examples of its codes. more: beside those that the route names."""
    for status, response in found.items():
        if form := (response.content or {}).get(MEDIA_TYPE):
            codes = [*(form.examples or ()), *(row.code for row in more if str(row.status) == status)]
            form.examples = {code: Reference(ref=f"#/components/examples/{code}") for code in codes}


def responses(
    answer: type[Any] | None,
    *ends: int | str,
    created: bool = False,
    empty: int = 204,
    counted: bool = True,
    guarded: bool = True,
    tagged: bool = True,
) -> dict[int, ResponseSpec]:
    """A JSON answer (None: without a body) and what else a route can end in: statuses, and codes of its own.

    counted: callers are identified and counted before they get there, which can end in a refusal; guarded: by who they
    are and what their key is for, and unless everybody may read it (406 is among its statuses) they are users;
    tagged: an answer that everybody may read has an ETag.
    """
    public = HTTPStatus.NOT_ACCEPTABLE in ends
    wheres = {
        "any": True,
        "counted": counted,
        "scoped": counted and guarded,
        "users": counted and guarded and not public,
        "writes": HTTPStatus.ACCEPTED in ends,
    }
    codes: dict[int, list[str]] = {}
    for row in ROWS.values():
        if wheres.get(row.where) or row.code in ends or (row.where == "status" and row.status in ends):
            codes.setdefault(row.status, []).append(row.code)
    others = {status: _problem(status, codes[status]) for status in sorted(codes)}
    if HTTPStatus.ACCEPTED in ends:
        others[HTTPStatus.ACCEPTED] = _spec(Pending, _MEANINGS[202])
    if HTTPStatus.NOT_MODIFIED in ends or (tagged and public):
        others[HTTPStatus.NOT_MODIFIED] = ResponseSpec(data_container=None, description=_MEANINGS[304])
    if answer is None:
        return {empty: ResponseSpec(data_container=None, description=_EMPTY[empty]), **others}
    answers = {200: "The answer."} | ({201: "It is new."} if created else {})
    return others | {status: _spec(answer, meaning) for status, meaning in answers.items()}


def _problem(status: int, codes: list[str]) -> ResponseSpec:
    return ResponseSpec(
        data_container=Problem,
        media_type=MEDIA_TYPE,
        description=_MEANINGS[status],
        generate_examples=False,
        examples=[Example(id=code) for code in codes],
    )


def _spec(answer: type[Any], meaning: str) -> ResponseSpec:
    return ResponseSpec(
        data_container=answer,
        description=meaning,
        generate_examples=False,
        examples=[Example(value=examples.answer(answer))],
    )


def moved() -> ResponseSpec:
    """A permanent redirect, without content."""
    return ResponseSpec(
        data_container=None,
        description="It was merged into another one, whose address is in Location.",
        generate_examples=False,
    )
