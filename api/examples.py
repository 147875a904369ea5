"""Examples of answers, made from the very Structs that answer: a new field is in them at once."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect

from api import errors
from api.errors import Problem, Row

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


def answer(kind: type[Any]) -> Any:
    """One answer of this kind, as JSON has it."""
    return _value(inspect.type_info(kind), "")


def problem(status: int) -> Any:
    """One error of this status: the first one of the tables."""
    row = next(each for each in _rows() if each.status == status)
    named = row.code == "bad_parameter"
    found = Problem(
        type=f"urn:newsintel:problem:{row.code}",
        title=row.title,
        status=status,
        code=row.code,
        detail=row.detail or row.title,
        help=row.help,
        request_id=_ID,
        parameter="limit" if named else None,
        allowed="use a whole number from 1 to 100" if named else None,
    )
    return msgspec.to_builtins(found)


def _rows() -> list[Row]:
    return [*errors.TABLE.values(), *errors.HTTP.values(), *errors.REFUSALS.values(), errors.INTERNAL]


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
