"""JSON bodies: decoded into the Struct that says what is allowed; a refusal names the field."""

import re
from typing import Any, TypeVar

import msgspec
from litestar import Request

from api.refusals import Refusal
from shared.errors import BadParameterError

T = TypeVar("T")
# "Expected `int`, got `str` - at `$.article_id`"
_PLACE = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<field>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object (?:contains unknown|missing required) field `(?P<field>[^`]*)`")


async def read(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """Raises BadParameterError, or Refusal when it is no JSON at all."""
    raw = await request.body()
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    # Also a wall against forms of other sites, which cannot send this type without being asked first.
    if raw and media_type != "application/json":
        raise Refusal("not_json", "Bodies are application/json here.")
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None
    except msgspec.DecodeError:
        raise BadParameterError("body", "it is not JSON", "send one JSON object, encoded as UTF-8") from None


def _named(message: str) -> BadParameterError:
    found = _PLACE.match(message)
    problem, field = (found["problem"], found["field"]) if found else (message, None)
    if unknown := _UNKNOWN.search(problem):
        field = ".".join(part for part in (field, unknown["field"]) if part)
        problem = "it is not known" if "unknown" in problem else "it is missing"
    return BadParameterError(field or "body", problem, "/docs shows the fields and their bounds")
