"""Query parameters: one table per route, read by the parser and shown by the OpenAPI document alike."""

import difflib
import functools
import re
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes
from uuid import UUID

import msgspec
from litestar.openapi.spec import Example, Schema
from litestar.openapi.spec import Parameter as Documented
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from shared.errors import BadParameterError
from shared.languages import CODES, MEANT

# Longer than any sensible value: what we quote back of a bad one is cut here.
QUOTED_CHARACTERS = 40
# The archive keeps polarities in four bytes: about seven digits.
_DECIMALS = 6
# C0 and C1 controls except tab and line breaks, which are white space; surrogates cannot be stored or sent.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_INTEGER = re.compile(r"[0-9]{1,19}", re.ASCII)
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:e[+-]?[0-9]{1,2})?", re.ASCII | re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)


class Kind(Protocol):
    """How one value is read; `allowed` completes the sentence of a refusal."""

    @property
    def allowed(self) -> str: ...

    def read(self, name: str, text: str) -> Any:
        """Raises BadParameterError."""

    def schema(self) -> Schema: ...


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """Free text without control characters."""

    longest: int

    @property
    def allowed(self) -> str:
        return f"use at most {self.longest} characters of text, without control characters"

    def read(self, name: str, text: str) -> str:
        if len(text) > self.longest:
            raise BadParameterError(name, f"it has {len(text)} characters", self.allowed)
        if found := _FORBIDDEN.search(text):
            raise BadParameterError(name, f"it contains the character U+{ord(found[0]):04X}", self.allowed)
        return text.strip()

    def schema(self) -> Schema:
        return Schema(type=OpenAPIType.STRING, max_length=self.longest)


class QueryText(msgspec.Struct, frozen=True, kw_only=True):
    """A search query: whoever parses it says what is wrong with it, and where."""

    longest: int

    @property
    def allowed(self) -> str:
        return f"use a query of at most {self.longest} characters"

    def read(self, name: str, text: str) -> str:  # noqa: ARG002 - the name stands in the parser's own errors
        return text

    def schema(self) -> Schema:
        return Schema(type=OpenAPIType.STRING, max_length=self.longest)


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Names of outlets or people, separated by commas. Read as a tuple, each name once, in alphabetical order."""

    longest: int = 100
    most: int = 20

    @property
    def allowed(self) -> str:
        return f"use at most {self.most} names of at most {self.longest} characters, separated by commas"

    def read(self, name: str, text: str) -> tuple[str, ...]:
        plain = Text(longest=(self.longest + 1) * self.most).read(name, text)
        parts = plain.split(",")
        names = sorted({" ".join(each.split()) for each in parts})
        if not all(names) or len(parts) > self.most or max(map(len, names)) > self.longest:
            raise BadParameterError(name, f"{quoted(text)} is not a list of names", self.allowed)
        return tuple(names)

    def schema(self) -> Schema:
        one = Schema(type=OpenAPIType.STRING, min_length=1, max_length=self.longest)
        return Schema(type=OpenAPIType.ARRAY, items=one, min_items=1, max_items=self.most)


class Decimal(msgspec.Struct, frozen=True, kw_only=True):
    """A number within bounds; six decimals count."""

    lowest: int
    highest: int

    @property
    def allowed(self) -> str:
        return f"use a number from {self.lowest} to {self.highest}"

    def read(self, name: str, text: str) -> float:
        if not _DECIMAL.fullmatch(text) or not self.lowest <= float(text) <= self.highest:
            raise BadParameterError(name, f"{quoted(text)} is not allowed", self.allowed)
        return round(float(text), _DECIMALS) + 0.0  # -0 becomes 0

    def schema(self) -> Schema:
        return Schema(type=OpenAPIType.NUMBER, minimum=self.lowest, maximum=self.highest)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of a few names, or with `several` a comma-separated list of them."""

    names: tuple[str, ...]
    several: bool = False

    @property
    def allowed(self) -> str:
        listed = ", ".join(self.names[:-1]) + f" or {self.names[-1]}"
        return f"use {listed}" + (", or several of them separated by commas" if self.several else "")

    def read(self, name: str, text: str) -> str | tuple[str, ...]:
        if not self.several:
            return self._known(name, text.strip())
        return tuple(sorted({self._known(name, part.strip()) for part in text.split(",")}))

    def _known(self, name: str, text: str) -> str:
        if text in self.names:
            return text
        raise BadParameterError(
            name, f"{quoted(text)} is not known", self.allowed + did_you_mean(text, self.names)
        )

    def schema(self) -> Schema:
        one = Schema(type=OpenAPIType.STRING, enum=list(self.names))
        return Schema(type=OpenAPIType.ARRAY, items=one, min_items=1) if self.several else one


class Integer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole number within bounds."""

    lowest: int
    highest: int

    @property
    def allowed(self) -> str:
        return f"use a whole number from {self.lowest} to {self.highest}"

    def read(self, name: str, text: str) -> int:
        if not _INTEGER.fullmatch(text) or not self.lowest <= int(text) <= self.highest:
            raise BadParameterError(name, f"{quoted(text)} is not allowed", self.allowed)
        return int(text)

    def schema(self) -> Schema:
        return Schema(type=OpenAPIType.INTEGER, minimum=self.lowest, maximum=self.highest)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A date or a time; without a zone it is UTC. Read as a datetime in UTC.

    end_of_day: a bare date means the first moment of the day after, so that the whole day is before it.
    """

    end_of_day: bool = False
    allowed: str = "use a date such as 2026-01-31 or a time such as 2026-01-31T18:00:00Z"

    def read(self, name: str, text: str) -> datetime:
        # A "+" of a zone that was not percent-encoded arrives as a space.
        text = re.sub(r" (\d{2}:\d{2})$", r"+\1", text) if len(text) > len("2026-01-31 18:00") else text
        try:
            if _DATE.fullmatch(text):
                day = datetime.combine(date.fromisoformat(text), time(tzinfo=UTC))
                return day + timedelta(days=1) if self.end_of_day else day
            if _MOMENT.fullmatch(text):
                moment = datetime.fromisoformat(text)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise BadParameterError(name, f"{quoted(text)} is not a date or time", self.allowed)

    def schema(self) -> Schema:
        moments = [OpenAPIFormat.DATE, OpenAPIFormat.DATE_TIME]
        return Schema(any_of=[Schema(type=OpenAPIType.STRING, format=each) for each in moments])


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """An ISO 639-1 code."""

    allowed: str = "use an ISO 639-1 code of two letters such as en or de"

    def read(self, name: str, text: str) -> str:
        code = text.lower()
        if code not in CODES:
            meant = f"; did you mean {MEANT[code]}?" if code in MEANT else ""
            raise BadParameterError(name, f"{quoted(text)} is not a language code", self.allowed + meant)
        return code

    def schema(self) -> Schema:
        return Schema(type=OpenAPIType.STRING, pattern="^[A-Za-z]{2}$")


class Identifier(msgspec.Struct, frozen=True, kw_only=True):
    """A UUID."""

    allowed: str = "use an id as lists show it"

    def read(self, name: str, text: str) -> UUID:
        try:
            return UUID(text)
        except ValueError:
            raise BadParameterError(name, f"{quoted(text)} is not an id", self.allowed) from None

    def schema(self) -> Schema:
        return Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID)


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """Yes or no. bare: whether the name alone means yes."""

    bare: bool = False
    allowed: str = "use true or false"

    def read(self, name: str, text: str) -> bool:
        if text not in ({"", "true", "false"} if self.bare else {"true", "false"}):
            raise BadParameterError(name, f"{quoted(text)} is neither true nor false", self.allowed)
        return text != "false"

    def schema(self) -> Schema:
        return Schema(type=OpenAPIType.BOOLEAN)


class TimeZone(msgspec.Struct, frozen=True, kw_only=True):
    """The name of a time zone in the IANA database."""

    allowed: str = "use the name of a time zone such as Europe/Berlin or UTC"

    def read(self, name: str, text: str) -> str:
        known = _time_zones()
        if text in known:
            return text
        near = did_you_mean(text, tuple(known))
        raise BadParameterError(name, f"{quoted(text)} is not a time zone", self.allowed + near)

    def schema(self) -> Schema:
        return Schema(type=OpenAPIType.STRING, pattern=r"^[A-Za-z0-9_+/-]{1,40}$")


@functools.cache
def _time_zones() -> dict[str, None]:
    return dict.fromkeys(sorted(zoneinfo.available_timezones()))


class Preference(msgspec.Struct, frozen=True, kw_only=True):
    """A header that is obeyed where it can be read and otherwise ignored, as RFC 7240 wants it: never refused."""

    allowed: str = "use any text"

    def read(self, name: str, text: str) -> str:  # noqa: ARG002 - nothing is refused
        return text

    def schema(self) -> Schema:
        return Schema(type=OpenAPIType.STRING)


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter as a caller sees it. example: as it is sent."""

    name: str
    kind: Kind
    description: str
    example: str | int
    default: Any = None
    place: str = "query"
    required: bool = False

    def documented(self) -> Documented:
        schema = self.kind.schema()
        if self.default is not None:
            schema.default = self.default
        shown = _as_json(self.example, schema)
        required = self.required or self.place == "path"
        if not required:
            # The documentation's page sends the examples of parameters: of what may be left out, the schema has them.
            schema.examples = [shown]
        return Documented(
            name=self.name,
            param_in=self.place,
            description=self.description,
            required=required,
            schema=schema,
            # A list is written with commas, the form that people type and that `read` expects.
            explode=False if schema.type == OpenAPIType.ARRAY else None,
            examples={"example": Example(value=shown)} if required else None,
        )


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
            if text.strip() or not isinstance(kind, Text | QueryText):
                # A text is as long as it was sent; of everything else white space around it is no part.
                values[name] = kind.read(name, text if isinstance(kind, Text) else text.strip())
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
        name = _decoded("parameter name", raw_name).strip()
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


def shown(text: str) -> str:
    """A caller's text as it may stand in a sentence: short and printable."""
    cut = text if len(text) <= QUOTED_CHARACTERS else text[: QUOTED_CHARACTERS - 1] + "…"
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in cut)


def quoted(text: str) -> str:
    return f'"{shown(text)}"'


def did_you_mean(text: str, names: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(text[:QUOTED_CHARACTERS].lower(), names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
