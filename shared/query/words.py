"""What may stand in a word, a phrase and a prefix; nothing that looks like another query language passes as text."""

import re
import unicodedata
from typing import Literal

from shared.query.faults import Source
from shared.query.limits import MAX_WORD_CHARACTERS, MIN_PREFIX_BYTES
from shared.query.tokens import DASHES, RANGE, Token
from shared.quoting import shown

_OPERATORS = {"&": " AND ", "&&": " AND ", "|": " OR ", "||": " OR "}
# Operators of tsquery, SQL, Lucene and of programs: a reader who typed one meant something by it.
_RESERVED = re.compile(r"[&|<>=;\\\[\]{}^~`]|--+|/\*|\*/")
_WILDCARD = re.compile(r"\*|\?(?=\w)|%(?=\w)|(?<!\d)%")
_CLOCK = re.compile(r"\d+(?::\d+)+")
_APOSTROPHES = "'\u2018\u2019"
_LEADING = ("+", "!", "-", *DASHES, *_APOSTROPHES)
_APOSTROPHE_PHRASE = re.compile(rf"[{_APOSTROPHES}]([^{_APOSTROPHES}\"()]+)[{_APOSTROPHES}](?![^\s)])")
# Sentence marks before and after a word, which PostgreSQL ignores too.
_BEFORE = ",…"
_AFTER = ".,?!…-"
# Letters and digits; of other numbers (½, ①) PostgreSQL indexes nothing.
_READABLE = ("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl")


def word(source: Source, token: Token) -> tuple[Literal["word", "prefix"], str]:
    """Raises BadQueryError where the token is not plainly a word or a prefix."""
    text = normal(token.text)
    if text.endswith("*") and "*" not in text[:-1] and not _RESERVED.search(text):
        return "prefix", _prefix(source, token, text[:-1])
    _check_characters(source, token, text)
    _check_readable(source, token, text)
    return "word", text.lstrip(_BEFORE).rstrip(_AFTER)


def phrase(source: Source, token: Token) -> str:
    """Raises BadQueryError where there is nothing to be found, or an asterisk that would not be one."""
    text = " ".join(normal(token.text).split())
    if "*" in text:
        raise source.fault(
            "query_wildcard",
            "an asterisk has no meaning between quotation marks",
            "write a prefix outside of them",
            token.start + 1 + token.text.index("*"),
            token.end,
            token.text[token.text.index("*") :].replace("*", "") + '"',
        )
    _check_readable(source, token, text)
    return text


def normal(text: str) -> str:
    """NFC, as the archive stores texts, and lower case letter by letter, as PostgreSQL does it (no ß → ss, no ς).

    Capitals that only small letters compose with their accents (J̌, ǰ) stay: PostgreSQL does not compose them either.
    """
    composed = unicodedata.normalize("NFC", text)
    lowered = "".join(small if len(small := each.lower()) == 1 else each for each in composed)
    return lowered if unicodedata.is_normalized("NFC", lowered) else composed


def _prefix(source: Source, token: Token, text: str) -> str:
    if not text:
        raise source.fault(
            "query_wildcard",
            "an asterisk alone would match everything",
            "write how the words begin, as in econom*",
            token.start,
            token.end,
            "",
        )
    if not all(unicodedata.category(each)[0] in "LMN" for each in text):
        raise source.fault(
            "query_wildcard",
            f"{shown(token.text)} is not a prefix: before its asterisk are only letters and digits",
            "search for the words without the asterisk",
            token.start,
            token.end,
            token.text[:-1],
        )
    if len(text.encode()) < MIN_PREFIX_BYTES:
        raise source.fault(
            "query_wildcard",
            f"the prefix {shown(token.text)} is too short",
            f"write at least {MIN_PREFIX_BYTES} letters before the asterisk, or the word without it",
            token.start,
            token.end,
            token.text[:-1],
        )
    _check_readable(source, token, text)
    return text


def _check_characters(source: Source, token: Token, text: str) -> None:
    if text in _OPERATORS:
        advice = f"write {_OPERATORS[text].strip()}"
        raise source.fault(
            "query_syntax",
            f"{text} is not an operator here",
            advice,
            token.start,
            token.end,
            _OPERATORS[text],
        )
    if found := _RESERVED.search(text):
        raise _reserved(source, token, found[0])
    bare = text.lstrip(_BEFORE)
    if RANGE.match(bare):
        raise source.fault(
            "query_syntax",
            f"{shown(token.text)} is a range, which only sentiment: has",
            "put it between quotation marks",
            token.start,
            token.end,
            f'"{token.text}"',
        )
    if bare.startswith(_LEADING):
        raise _leading(source, token)
    if found := _WILDCARD.search(text):
        raise source.fault(
            "query_wildcard",
            f"{found[0]} is not a wildcard in {shown(token.text)}",
            "use one asterisk, at the end of a word",
            token.start,
            token.end,
            _without(token.text, "*?%"),
        )
    if ":" in text and not _CLOCK.fullmatch(text):
        raise source.fault(
            "query_syntax",
            f"there is a colon in {shown(token.text)}",
            "put it between quotation marks",
            token.start,
            token.end,
            f'"{token.text}"',
        )


def _reserved(source: Source, token: Token, mark: str) -> Exception:
    text = token.text
    advice, repair = "leave it out", _without(text, r"&|<>=;\[]{}^~`*-/")
    if mark == "&" and not text.startswith("&") and not text.endswith("&"):
        advice, repair = "put a name with it between quotation marks", f'"{text}"'
    elif mark == "|":
        advice, repair = "write OR", f"({text.replace('|', ' OR ')})"
    return source.fault(
        "query_syntax", f"{mark} has no meaning in {shown(text)}", advice, token.start, token.end, repair
    )


def _leading(source: Source, token: Token) -> Exception:
    signed = token.text.lstrip(_BEFORE)
    start = token.end - len(signed)
    mark, rest = signed[0], signed[1:]
    field = source.field_before(token.start) if mark in ("-", *DASHES) else ""
    problem, advice, repair = {
        "+": ("+ has no meaning before a word", "leave it out: every word must be found anyway", rest),
        "!": ("! has no meaning before a word", "write - to exclude a word", f"-{rest}"),
        "-": (
            "a word does not begin with a minus here",
            f"write it {'before the field' if field else 'directly before the word'} to exclude the word",
            f"-{field}{rest}",
        ),
        **dict.fromkeys(DASHES, (f"{mark} is not a minus", "write - to exclude a word", f"-{field}{rest}")),
    }.get(mark, ("a word does not begin with an apostrophe", "leave it out", rest))
    end = token.end
    if phrase := _APOSTROPHE_PHRASE.match(source.text, start):
        advice, repair, end = 'a phrase stands between quotation marks (")', f'"{phrase[1]}"', phrase.end()
    since = token.start - len(field)
    return source.fault("query_syntax", problem, advice, start, end, repair, since=since)


def _without(text: str, marks: str) -> str:
    return text.translate(dict.fromkeys(map(ord, marks), " "))


def _check_readable(source: Source, token: Token, text: str) -> None:
    if not any(unicodedata.category(each) in _READABLE for each in text):
        wild = any(mark in text for mark in "%?_")
        raise source.fault(
            "query_wildcard" if wild else "query_syntax",
            f"there are no letters or digits in {shown(source.text[token.start : token.end])}",
            "leave it out",
            token.start,
            token.end,
            "",
        )
    if max(map(len, text.split())) > MAX_WORD_CHARACTERS:
        raise source.fault(
            "query_too_long",
            f"a word has more than {MAX_WORD_CHARACTERS} characters",
            "shorten it",
            token.start,
            token.end,
        )
