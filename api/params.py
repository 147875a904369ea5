"""Query parameters: one table per route, read by the parser and shown by the OpenAPI document alike."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

import msgspec
from litestar import Request
from litestar.openapi.spec import Example, Schema
from litestar.openapi.spec import Parameter as Documented
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import PathParameter

from api.kinds import SPACE, Kind, QueryText, Text, did_you_mean
from shared.errors import BadParameterError
from shared.quoting import shown

# A part of the path, still to be read by its Parameter.
PathText = Annotated[str, PathParameter()]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter as a caller sees it. example: as it is sent."""

    name: str
    kind: Kind
    description: str
    example: str | int
    default: Any = None
    place: str = "query"
    required: bool = False

    def read(self, text: str) -> Any:
        """Raises BadParameterError."""
        return self.kind.read(self.name, text)

    def documented(self) -> Documented:
        schema = self.kind.schema()
        if self.default is not None:
            schema.default = self.default
        example = _as_json(self.example, schema)
        required = self.required or self.place == "path"
        if not required:
            # The documentation's page sends the examples of parameters: of what may be left out, the schema has them.
            schema.examples = [example]
        return Documented(
            name=self.name,
            param_in=self.place,
            description=self.description,
            required=required,
            schema=schema,
            # A list is written with commas, the form that people type and that `read` expects.
            explode=False if schema.type == OpenAPIType.ARRAY else None,
            examples={"example": Example(value=example)} if required else None,
        )


def none(request: Request[Any, Any, Any]) -> None:
    """Of an address without parameters. Raises BadParameterError when there is one."""
    parse(request.scope["query_string"], ())


def _as_json(text: str | int, schema: Schema) -> Any:
    """What is sent as this text, as a value of its schema."""
    match schema.type:
        case OpenAPIType.ARRAY:
            return str(text).split(",")
        case OpenAPIType.NUMBER:
            return float(text)
        case OpenAPIType.BOOLEAN:
            return text == "true"
        case _:
            return text


def parse(query_string: bytes, table: tuple[Parameter, ...]) -> dict[str, Any]:
    """Read a raw query string; every parameter of the table is in the result, absent ones (and empty text) as default.

    Raises BadParameterError for what is unknown, repeated or malformed.
    """
    values = {parameter.name: parameter.default for parameter in table}
    if query_string:
        for name, text in _pairs(query_string, table).items():
            kind = _kind(name, table)
            is_text = isinstance(kind, Text | QueryText)
            if text.strip(SPACE) or not is_text:
                # A text is as it was sent, and so are places in it; of everything else white space around is no part.
                values[name] = kind.read(name, text if is_text else text.strip(SPACE))
    for parameter in table:
        if parameter.required and not values[parameter.name]:
            raise BadParameterError(parameter.name, "it is missing", parameter.kind.allowed)
    return values


def texts(values: Mapping[str, Any], table: tuple[Parameter, ...]) -> list[tuple[str, str]]:
    """What `parse` would read as these values: the canonical form of a request, without what is at its default."""
    return [
        (parameter.name, _text(values[parameter.name]))
        for parameter in table
        if values[parameter.name] != parameter.default
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def _kind(name: str, table: tuple[Parameter, ...]) -> Kind:
    return next(parameter.kind for parameter in table if parameter.name == name)


def _pairs(query_string: bytes, table: tuple[Parameter, ...]) -> Mapping[str, str]:
    names = tuple(parameter.name for parameter in table)
    pairs: dict[str, str] = {}
    for pair in query_string.split(b"&"):
        if not pair:
            continue
        raw_name, _, raw_text = pair.partition(b"=")
        name = _decoded("parameter name", raw_name).strip(SPACE)
        if name not in names:
            known = f"this address takes {', '.join(names)}" if names else "this address takes none"
            raise BadParameterError(
                shown(name), "there is no such parameter", known + did_you_mean(name, names)
            )
        if name in pairs:
            raise BadParameterError(name, "it is given more than once", "use it once")
        pairs[name] = _decoded(name, raw_text)
    return pairs


def _decoded(name: str, raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise BadParameterError(name, "it is not UTF-8 text", "percent-encode it as UTF-8") from None
