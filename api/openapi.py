"""The OpenAPI document and its page, served by this process alone: no asset comes from anywhere else."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import PathParameter
from litestar.response.base import ASGIResponse

from api.errors import MEDIA_TYPE, Problem
from api.params import Parameter

ASSETS_PATH: Final = "/docs/assets"
# Swagger UI as the wheel `offapi` carries it: public name -> (its file, media type).
ASSETS: Final = {
    "swagger-ui-bundle.js": ("swagger_bundle.js", "text/javascript"),
    "swagger-ui-standalone-preset.js": ("swagger_preset.js", "text/javascript"),
    "swagger-ui.css": ("swagger_style.css", "text/css"),
}
_DESCRIPTION: Final = """
One clean, fresh, deduplicated archive of news from NewsAPI, The Guardian and Reddit.

Every list tells how fresh it is. Every error is `application/problem+json` with a stable `code` and says what to do.
An unknown or malformed parameter is refused and named, never ignored.
"""


def config() -> OpenAPIConfig:
    page = SwaggerRenderPlugin(
        path="/",
        js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
        css_url=f"{ASSETS_PATH}/swagger-ui.css",
        standalone_preset_js_url=f"{ASSETS_PATH}/swagger-ui-standalone-preset.js",
        favicon="<link rel='icon' href='data:,'>",
    )
    return OpenAPIConfig(
        title="News Intelligence Platform",
        version="0.1.0",
        description=_DESCRIPTION,
        path="/docs",
        render_plugins=[page, JsonRenderPlugin(path="/openapi.json")],
        use_handler_docstrings=True,
    )


@get(ASSETS_PATH + "/{name:str}", include_in_schema=False)
async def asset(name: Annotated[str, PathParameter()]) -> ASGIResponse:
    """One file of the documentation page."""
    if name not in ASSETS:
        raise NotFoundException
    file, media_type = ASSETS[name]
    return ASGIResponse(
        # A megabyte and a half, read once by each browser: not worth keeping in memory.
        body=(_folder() / file).read_bytes(),
        media_type=media_type,
        headers={"Cache-Control": "public, max-age=86400"},
    )


def _folder() -> Path:
    """Where `offapi` is; importing it would put nine megabytes of templates into memory."""
    spec = importlib.util.find_spec("offapi")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package offapi is not installed")
    return Path(spec.origin).parent


def operation(*parameters: Parameter, forms: Iterable[str] = ()) -> type[Operation]:
    """The `operation_class` of a route that reads these parameters itself. forms: media types beside JSON."""
    documented = [parameter.documented() for parameter in parameters]
    others = {form.partition(";")[0]: OpenAPIMediaType(schema=_schema(form)) for form in forms}

    @dataclass
    class Documented(Operation):
        def __post_init__(self) -> None:
            self.parameters = list(documented)
            answer = (self.responses or {}).get("200")
            if isinstance(answer, OpenAPIResponse) and answer.content:
                answer.content |= others

    return Documented


def _schema(form: str) -> Schema:
    return Schema(type=OpenAPIType.OBJECT if form.endswith("+json") else OpenAPIType.STRING)


def responses(answer: type[Any], *statuses: int) -> dict[int, ResponseSpec]:
    """A JSON answer and the problems that a route can end in."""
    meanings = {
        400: "A parameter is unknown, repeated or malformed; `parameter` and `allowed` say which and what is right.",
        404: "There is no such thing.",
        406: "The caller does not accept JSON.",
        503: "The archive is unavailable or the query took too long; Retry-After says when to try again.",
    }
    problems = {
        status: ResponseSpec(
            data_container=Problem,
            media_type=MEDIA_TYPE,
            description=meanings[status],
            generate_examples=False,
        )
        for status in statuses
    }
    return {
        200: ResponseSpec(data_container=answer, description="The answer.", generate_examples=False),
        **problems,
    }


def moved() -> ResponseSpec:
    """A permanent redirect, without content."""
    return ResponseSpec(
        data_container=None,
        description="It was merged into another one, whose address is in Location.",
        generate_examples=False,
    )
