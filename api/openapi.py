"""The OpenAPI document and its page, served by this process alone: no asset comes from anywhere else."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
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

from api.errors import MEDIA_TYPE, Problem
from api.params import Parameter

ASSETS_PATH: Final = "/docs/assets"
# What the gate refuses, whatever is asked for: credentials, keys without a scope, haste.
_COUNTED: Final = (401, 403, 429)
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
An unknown or malformed parameter is refused and named, never ignored.
"""

_SECURITY: Final[dict[str, SecurityScheme | Reference]] = {
    "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
    "key": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
    "cookie": SecurityScheme(type="apiKey", name="__Host-newsintel", security_scheme_in="cookie"),
}


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
        components=Components(security_schemes=_SECURITY),
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
    """The schema of a body as msgspec writes it, from the very Struct that decodes it."""

    def __init__(self, kind: type[Any]) -> None:
        super().__init__()
        (self._plain,), components = msgspec.json.schema_components((kind,), ref_template="{name}")
        self._plain = components[self._plain["$ref"]]

    def to_schema(self) -> dict[str, Any]:
        return self._plain


def operation(
    *parameters: Parameter, body: type[Any] | None = None, forms: Iterable[str] = ()
) -> type[Operation]:
    """The `operation_class` of a route that reads these parameters, and a JSON body, itself.

    forms: media types of its answer beside JSON.
    """
    documented = [parameter.documented() for parameter in parameters]
    others = {form.partition(";")[0]: OpenAPIMediaType(schema=_schema(form)) for form in forms}

    @dataclass
    class Documented(Operation):
        def __post_init__(self) -> None:
            self.parameters = list(documented)
            found = self.responses or {}
            if any(str(status) in found for status in _EMPTY):
                found.pop("200", None)  # the framework's own idea of success
            answer = found.get("200")
            if isinstance(answer, OpenAPIResponse) and answer.content:
                answer.content |= others
            if body:
                content = {"application/json": OpenAPIMediaType(schema=BodySchema(body))}
                self.request_body = RequestBody(content=content, description=body.__doc__)

    return Documented


def _schema(form: str) -> Schema:
    return Schema(type=OpenAPIType.OBJECT if form.endswith("+json") else OpenAPIType.STRING)


def responses(
    answer: type[Any] | None, *statuses: int, created: bool = False, empty: int = 204, counted: bool = True
) -> dict[int, ResponseSpec]:
    """A JSON answer (None: without a body) and what else a route can end in.

    counted: callers are identified and counted before they get there, which can end in a refusal.
    """
    meanings = {
        202: "The worker has not answered yet; Location is where to ask again. It is not lost.",
        400: "A parameter or field is unknown, repeated or malformed; `parameter` and `allowed` say what is right.",
        401: "Not signed in, or the credentials are not valid (any more).",
        403: "Not allowed: another site's page, or an API key without the scope.",
        404: "There is no such thing.",
        406: "The caller does not accept JSON.",
        409: "It does not fit what is there.",
        412: "It was changed meanwhile (If-Match).",
        422: "The Idempotency-Key was used for another request.",
        429: "Too many requests; Retry-After says when to come back.",
        503: "The archive is unavailable or the query took too long; Retry-After says when to try again.",
    }
    others = {
        status: ResponseSpec(
            data_container=Problem if status >= HTTPStatus.BAD_REQUEST else Pending,
            media_type=MEDIA_TYPE if status >= HTTPStatus.BAD_REQUEST else "application/json",
            description=meanings[status],
            generate_examples=False,
        )
        for status in sorted({*statuses, *(_COUNTED if counted else ())})
    }
    if answer is None:
        return {empty: ResponseSpec(data_container=None, description=_EMPTY[empty]), **others}
    answers = {200: "The answer."} | ({201: "It is new."} if created else {})
    return others | {
        status: ResponseSpec(data_container=answer, description=meaning, generate_examples=False)
        for status, meaning in answers.items()
    }


def moved() -> ResponseSpec:
    """A permanent redirect, without content."""
    return ResponseSpec(
        data_container=None,
        description="It was merged into another one, whose address is in Location.",
        generate_examples=False,
    )
