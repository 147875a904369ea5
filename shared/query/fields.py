"""The fields of the query language and what may stand after their colons."""

import re
from typing import get_args

from shared.errors import BadQueryError
from shared.languages import CODES, MEANT
from shared.query import words
from shared.query.faults import Source
from shared.query.limits import MAX_DECIMALS
from shared.query.tokens import Token
from shared.query.tree import Equal, Leaf, Polarity, Text, TextField
from shared.quoting import nearest, shown
from shared.sources import SOURCES

TEXT_FIELDS: tuple[TextField, ...] = get_args(TextField)
FIELDS = ("title", "body", "author", "outlet", "source", "lang", "sentiment")
LABELS = ("positive", "negative", "neutral")

# What other search languages and our own answers call them.
_OTHER_NAMES = {
    "headline": "title", "intitle": "title", "text": "body", "intext": "body", "content": "body", "description": "body",
    "by": "author", "publisher": "outlet", "source_name": "outlet", "site": "outlet", "domain": "outlet",
    "provider": "source", "language": "lang", "tone": "sentiment", "polarity": "sentiment", "label": "sentiment",
}  # fmt: skip
# What is a parameter beside the query.
_TIMES = {
    "from": "parameter `from`", "since": "parameter `from`", "after": "parameter `from`",
    "to": "parameter `to`", "until": "parameter `to`", "before": "parameter `to`",
    "date": "parameters `from` and `to`", "published_at": "parameters `from` and `to`",
}  # fmt: skip
_NUMBER = rf"[+-]?(?:\d{{1,3}}(?:\.\d{{0,{MAX_DECIMALS}}})?|\.\d{{1,{MAX_DECIMALS}}})"
_COMPARED = re.compile(rf"(<=?|>=?)({_NUMBER})", re.ASCII)
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})", re.ASCII)
_SPACED = re.compile(rf"\s+({_NUMBER})(?![^\s)])", re.ASCII)
_ALONE = re.compile(rf"=?({_NUMBER})", re.ASCII)


def field_name(source: Source, token: Token, following: Token | None) -> str:
    """The field that a token names. Raises BadQueryError with the field that was probably meant."""
    name = token.text.lower()
    if name in FIELDS:
        return name
    meant = _OTHER_NAMES.get(name) or nearest(name, FIELDS)
    if meant:
        raise source.fault(
            "query_unknown_field",
            f"there is no field {shown(token.text)}",
            "did you mean",
            token.start,
            token.end,
            f"{meant}:",
        )
    whole = following.end if following and following.kind == "word" else token.end
    if name in _TIMES:
        raise source.fault(
            "query_unknown_field",
            f"there is no field {shown(token.text)}",
            f"use the {_TIMES[name]} beside q, such as 2026-01-31, and leave it out here",
            token.start,
            whole if following and following.start == token.end else token.end,
            "",
        )
    raise source.fault(
        "query_unknown_field",
        f"there is no field {shown(token.text)}",
        f"the fields are {', '.join(FIELDS)}; put other text with a colon between quotation marks",
        token.start,
        whole,
        f'"{source.text[token.start : whole]}"',
    )


def leaf(source: Source, token: Token, field: str) -> Leaf:
    """One term, in a field or in `any`."""
    if field == "sentiment":
        return _sentiment(source, token)
    if field == "source":
        return Equal("source", _source(source, token))
    if field == "lang":
        return Equal("lang", _language(source, token))
    text_field = next(each for each in TEXT_FIELDS if each == field)
    if token.kind == "phrase":
        return Text("phrase", words.phrase(source, token), text_field)
    return Text(*words.word(source, token), text_field)


def _source(source: Source, token: Token) -> str:
    """Elsewhere a source is who publishes; here that is the outlet."""
    try:
        return _listed(source, token, SOURCES)
    except BadQueryError as error:
        field = source.field_before(token.start)
        if error.suggestion or not field:
            raise
        raise source.fault(
            "query_bad_value",
            error.fault,
            f"{error.advice}; who publishes is the outlet",
            token.start,
            token.end,
            f"outlet:{source.text[token.start : token.end]}",
            since=token.start - len(field),
        ) from None


def _listed(source: Source, token: Token, names: tuple[str, ...]) -> str:
    value = token.text.strip().lower()
    if value in names:
        return value
    raise source.fault(
        "query_bad_value",
        f"{shown(token.text)} is not one of the values",
        f"use {', '.join(names[:-1])} or {names[-1]}",
        token.start,
        token.end,
        nearest(value, names),
    )


def _language(source: Source, token: Token) -> str:
    value = token.text.strip().lower()
    if value in CODES:
        return value
    stem = re.split("[-_]", value)[0]
    raise source.fault(
        "query_bad_value",
        f"{shown(token.text)} is not a language code",
        "use an ISO 639-1 code of two letters such as en or de",
        token.start,
        token.end,
        MEANT.get(stem, stem if stem in CODES else None),
    )


def _sentiment(source: Source, token: Token) -> Leaf:
    value = token.text.strip().lower()
    if compared := _COMPARED.fullmatch(value):
        return _half(compared[1], _number(source, token, compared[2]))
    if between := _RANGE.fullmatch(value):
        low, high = (_number(source, token, text) for text in between.groups())
        if low > high:
            raise _bad_polarity(source, token, f"{low:g} is more than {high:g}", f"{high:g}..{low:g}")
        return Polarity(low=low, high=high)
    if alone := _ALONE.fullmatch(value):
        number = _number(source, token, alone[1])
        raise _bad_polarity(source, token, f"{shown(token.text)} is one number", f">={number:g}")
    if value in ("<", "<=", ">", ">=") and (spaced := _SPACED.match(source.text, token.end)):
        problem = f"there is a space after {value}"
        raise _bad_polarity(source, token, problem, value + spaced[1], end=spaced.end())
    if value[:1] in ("<", ">", "=", "-", "+", ".") or value[:1].isdigit():
        raise _bad_polarity(source, token, f"{shown(token.text)} is not a range of polarity", None)
    return Equal("sentiment", _listed(source, token, LABELS))


def _half(sign: str, number: float) -> Polarity:
    is_open = len(sign) == 1
    if sign[0] == ">":
        return Polarity(low=number, open_low=is_open)
    return Polarity(high=number, open_high=is_open)


def _number(source: Source, token: Token, text: str) -> float:
    number = float(text) + 0.0  # -0 becomes 0
    if -1 <= number <= 1:
        return number
    raise _bad_polarity(source, token, f"{shown(text)} is not within -1 and 1", None)


def _bad_polarity(
    source: Source, token: Token, problem: str, repair: str | None, end: int | None = None
) -> Exception:
    advice = f"use a range such as >0.3, <=-0.5 or -0.2..0.2, with at most {MAX_DECIMALS} decimals"
    return source.fault("query_bad_value", problem, advice, token.start, end or token.end, repair)
