"""Examples of answers, made from the very Structs that answer, and of problems, made from errors as they are raised."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from litestar.exceptions import HTTPException
from msgspec import inspect

from api import errors
from api.kinds import Integer
from api.refusals import Refusal
from shared.errors import BadCursorError, BadParameterError, BadQueryError, NewsIntelError, NotFoundError
from shared.query import parser
from shared.query.compile import only_common_words
from shared.query.limits import MAX_CHARACTERS, MAX_DEPTH, MAX_TERMS

# What stands in a field of text, by the field's name; its own name in any other.
_TEXTS: Final = {
    "title": "Storm reaches the coast",
    "first_title": "Storm reaches the coast",
    "description": "Thousands leave their homes.",
    "content": "Thousands left their homes on Saturday as the storm reached the coast.",
    "url": "https://www.theguardian.com/world/2026/jan/31/storm-reaches-the-coast",
    "image_url": "https://media.guim.co.uk/storm.jpg",
    "source": "guardian",
    "sources": "guardian",
    "source_name": "The Guardian",
    "outlets": "The Guardian",
    "author": "Jo Writer",
    "language": "en",
    "label": "negative",
    "outcome": "ok",
    "failed_reason": "it answered 503",
    "status": "done",
    "state": "running",
    "query": "storm",
    "kind": "article",
    "key": "search_history",
    "tz": "Europe/Berlin",
    "interval": "day",
    "scopes": "me:read",
    "roles": "user",
    "tags": "weather",
    "username": "jo",
}
_MOMENT: Final = "2026-01-31T18:00:00Z"
_ID: Final = "8e03978e-40d5-43dd-bc93-6894a57f9324"
_PLAIN: Final[Mapping[type[inspect.Type], Any]] = {
    inspect.DateTimeType: _MOMENT,
    inspect.UUIDType: _ID,
    inspect.BoolType: True,
    inspect.IntType: 1,
    inspect.FloatType: 0.5,
    inspect.AnyType: True,
}
# Queries that are refused, each for a reason of its own.
_MALFORMED: Final = (
    " ",
    "x" * (MAX_CHARACTERS + 1),
    " ".join(f"w{n}" for n in range(MAX_TERMS + 1)),
    "(" * (MAX_DEPTH + 1) + "storm" + ")" * (MAX_DEPTH + 1),
    "storm\u200bdamage",
    "storm )",
    "*storm",
    "colour:red storm",
    "lang:english storm",
)


def answer(kind: type[Any]) -> Any:
    """One answer of this kind, as JSON has it."""
    return _value(inspect.type_info(kind), "")


def problems() -> dict[str, Any]:
    """One problem of each code, as JSON has it: what is told of a real error."""
    told = (errors.told(each, _ID) for each in _errors())
    return {each.code: msgspec.to_builtins(each) for each in told}


def _errors() -> Iterator[Exception]:
    limit = Integer(lowest=1, highest=100)
    yield BadParameterError("limit", '"0" is not allowed', limit.allowed)
    for text in _MALFORMED:
        try:
            parser.parse(text)
        except BadQueryError as error:
            yield error
    yield only_common_words(parser.parse("the"))
    yield BadQueryError(
        "query_language_dependent",
        "war is too common a word in german, but not in the other languages of the query",
        "search in one language at a time, as in (lang:en …) OR (lang:de …)",
        position=0,
    )
    yield BadCursorError("cursor_malformed", "it is not one that this api gave out")
    yield BadCursorError("cursor_of_another_search", "it belongs to another search")
    yield NotFoundError("there is no article 1")
    yield from (kind() for kind in errors.TABLE if not issubclass(kind, NewsIntelError))
    yield from (HTTPException(status_code=status) for status in errors.HTTP)
    yield from (Refusal(code, f"{row.title}.") for code, row in errors.REFUSALS.items())
    yield Exception()


def _value(kind: inspect.Type, name: str) -> Any:
    match kind:
        case inspect.StructType(fields=fields):
            shown = [each for each in fields if not _left_out(each)] or fields
            return {each.encode_name: _field(each) for each in shown}
        case inspect.UnionType(types=types):
            return _value(next(each for each in types if not isinstance(each, inspect.NoneType)), name)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return [_value(item, name)]
        case inspect.DictType(key_type=key, value_type=value):
            return {_value(key, name): _value(value, name)}
        case inspect.LiteralType(values=values):
            return values[0]
    return _PLAIN.get(type(kind), _TEXTS.get(name, name))


def _field(field: inspect.Field) -> Any:
    if field.default not in (msgspec.NODEFAULT, None):
        return field.default
    return _value(field.type, field.name)


def _left_out(field: inspect.Field) -> bool:
    """Whether it is only there when there is something to tell (msgspec.UNSET)."""
    return not field.required and field.default is field.default_factory is msgspec.NODEFAULT
