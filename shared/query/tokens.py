"""The text of a query cut into tokens, in one pass."""

import re
from typing import Literal

import msgspec

from shared.query.faults import Source
from shared.query.limits import MAX_CHARACTERS
from shared.quoting import shown

Kind = Literal["open", "close", "and", "or", "not", "minus", "field", "phrase", "word"]


class Token(msgspec.Struct, frozen=True):
    """text: a phrase without its quotes, a field without its colon."""

    kind: Kind
    text: str
    start: int
    end: int


# Controls, except tab and line breaks, which are white space; lone surrogates, which are no text; and invisible marks.
# The joiners U+200C and U+200D stay: Hindi, Persian and emoji are spelled with them.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"\s+")
# Phones type curly quotes.
QUOTES = '"“”„'
# What phones and word processors make of a minus.
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"
_PHRASE = re.compile(f"[{QUOTES}]([^{QUOTES}]*)[{QUOTES}]")
_FIELD = re.compile(r"([A-Za-z_]+):")
_WORD = re.compile(rf"[^\s(){QUOTES}]+")
# Of polarity, in sentiment:(-0.5..0 OR >0.5): its minus excludes nothing.
RANGE = re.compile(r"-?[\d.]*\d\.\.[-+]?\.?\d")
_OPERATORS: dict[str, Kind] = {"AND": "and", "OR": "or", "NOT": "not"}
# After these a term may follow without a space.
_LEADS = ("open", "minus", "field")


def tokens(text: str) -> list[Token]:
    """Raises BadQueryError when the text is too long, has forbidden characters, or terms without a space between."""
    check_length(text)
    source = Source(text)
    if found := _FORBIDDEN.search(text):
        raise source.fault(
            "query_bad_character",
            f"U+{ord(found[0]):04X} is an invisible or control character",
            "leave it out",
            *found.span(),
            " ",
        )
    return _cut(source)


def check_length(text: str) -> None:
    """Raises BadQueryError."""
    if len(text) > MAX_CHARACTERS:
        raise Source(text).fault(
            "query_too_long",
            f"the query has {len(text)} characters",
            f"use at most {MAX_CHARACTERS}",
            MAX_CHARACTERS,
            len(text),
        )


def _cut(source: Source) -> list[Token]:
    cut: list[Token] = []
    place = 0
    while place < len(source.text):
        if space := _SPACE.match(source.text, place):
            place = space.end()
            continue
        token = _next(source, place, cut[-1] if cut else None)
        if cut and token.kind != "close":
            _check_apart(source, cut[-1], token)
        cut.append(token)
        place = token.end
    return cut


def _next(source: Source, place: int, before: Token | None) -> Token:
    first = source.text[place]
    if first in "()":
        return Token("open" if first == "(" else "close", first, place, place + 1)
    if first in QUOTES:
        return _phrase(source, place)
    # A value may begin with a minus and contain a colon.
    if before is None or before.kind != "field" or before.end != place:
        if first == "-" and not RANGE.match(source.text, place):
            return Token("minus", first, place, place + 1)
        if field := _FIELD.match(source.text, place):
            return Token("field", field[1], place, field.end())
    run = _WORD.match(source.text, place)
    end = run.end() if run else place + 1
    text = source.text[place:end]
    return Token(_OPERATORS.get(text, "word"), text, place, end)


def _phrase(source: Source, place: int) -> Token:
    if found := _PHRASE.match(source.text, place):
        return Token("phrase", found[1], place, found.end())
    end = len(source.text)
    raise source.fault(
        "query_syntax",
        "the quotation mark is not closed",
        "close it",
        place,
        end,
        f'"{source.text[place + 1 :]}"',
    )


def _check_apart(source: Source, before: Token, token: Token) -> None:
    if before.end < token.start or before.kind in _LEADS:
        return
    if before.text in ("!", *DASHES):
        raise source.fault(
            "query_syntax",
            f"{before.text} does not exclude what follows",
            "write -",
            before.start,
            before.end,
            "-",
        )
    raise source.fault(
        "query_syntax",
        f"there is no space between {shown(source.text[before.start : before.end])} "
        f"and {shown(source.text[token.start : token.end])}",
        "put a space between them",
        token.start,
        token.start,
        " ",
    )
