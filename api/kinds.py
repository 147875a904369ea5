"""The kinds of values that a parameter can have: how each is read, what is said of one that is wrong, its schema."""

import functools
import re
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from shared.errors import BadParameterError
from shared.languages import CODES, MEANT
from shared.quoting import nearest, shown

# The archive keeps polarities in four bytes: about seven digits.
_DECIMALS = 6
# What may stand around a value. Python takes some control characters for white space, too: these are refused.
SPACE: Final = " \t\r\n"
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
            return self._known(name, text.strip(SPACE))
        return tuple(sorted({self._known(name, part.strip(SPACE)) for part in text.split(",")}))

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


# The number of a row: what PostgreSQL's bigint holds.
ROW_ID: Final = Integer(lowest=1, highest=2**63 - 1)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A date or a time; without a zone it is UTC. Read as a datetime in UTC.

    end_of_day: a bare date means the first moment of the day after, so that the whole day is before it; that of the
    calendar's last day is its own last moment.
    """

    end_of_day: bool = False
    allowed: str = "use a date such as 2026-01-31 or a time such as 2026-01-31T18:00:00Z"

    def read(self, name: str, text: str) -> datetime:
        # A "+" of a zone that was not percent-encoded arrives as a space.
        text = re.sub(r" (\d{2}:\d{2})$", r"+\1", text) if len(text) > len("2026-01-31 18:00") else text
        try:
            if _DATE.fullmatch(text):
                day = datetime.combine(date.fromisoformat(text), time(tzinfo=UTC))
                return _day_after(day) if self.end_of_day else day
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


def _day_after(day: datetime) -> datetime:
    try:
        return day + timedelta(days=1)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def quoted(text: str) -> str:
    return f'"{shown(text)}"'


def did_you_mean(text: str, names: tuple[str, ...]) -> str:
    near = nearest(text, names)
    return f"; did you mean {near}?" if near else ""
