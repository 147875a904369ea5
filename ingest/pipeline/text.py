"""Upstream text → plain text: no HTML, entities, control characters or upstream's own marks."""

import html
import re
import unicodedata

from selectolax.lexbor import LexborHTMLParser

# Beyond this the parser's time grows with the square of the nesting (100,000 open tags took 20 s).
_MAX_TAGS = 10_000
_MAX_RAW = 1_000_000
# Entities inside entities inside entities: each round takes one layer off; nobody honest needs more.
_ROUNDS = 6

_BLOCKS = (
    "address|article|aside|blockquote|br|dd|div|dl|dt|figcaption|figure|footer|form|h[1-6]|header|hr|li|main|nav|ol|p"
    "|pre|section|table|td|th|tr|ul"
)
_INLINE = (
    "a|abbr|b|cite|code|del|em|font|i|iframe|img|ins|label|mark|q|s|small|span|strike|strong|sub|sup|time|u"
)
_HIDDEN = (
    "script",
    "style",
    "noscript",
    "template",
    "iframe",
    "svg",
    "object",
    "video",
    "audio",
    "button",
    "select",
)
_OTHER = "script|style|noscript|template|svg|object|video|audio|source|button|select|option|input|html|head|body|meta"
_BREAK = re.compile(rf"<(?=/?(?:{_BLOCKS})\b)", re.IGNORECASE)
_TAG = re.compile(rf"</?(?:{_BLOCKS}|{_INLINE}|{_OTHER})(?:\s[^<>]*)?/?>|<!--", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>")
# An entity whose ampersand an outlet's own cleaning took away: "men#39;s".
_LAME_ENTITY = re.compile(r"(?<!&)#(\d{2,4});")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z]\w*);", re.IGNORECASE)

# Controls, lone surrogates, and invisible marks that only disturb comparison and search. The joiners U+200C and
# U+200D stay: Hindi, Persian and emoji are spelled with them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_LINE_ENDS = re.compile(r"\r\n?|[\n\x0b\x0c\x85\u2028\u2029]")
_MANY_BREAKS = re.compile(r"\n{3,}")
# NewsAPI cuts every text at 200 characters and says how many are missing.
_CUT = re.compile(r"\s*(?:…|\.\.\.)?\s*\[\+\d+ chars\]\s*$")
# Google News hands a list of other outlets' headlines out as the description.
_HEADLINE_LIST = re.compile(r"\s*<ol>\s*<li>", re.IGNORECASE)
# What stands where the text should be: notices of rights, and texts whose letters an upstream has lost.
_NOTICE = re.compile(
    r"(?:top sections|copyright\s*(?:©|\(c\)|\d{4})|©|all rights reserved|for reprint rights|download the \w+ app)"
    r".{0,160}",
    re.IGNORECASE | re.DOTALL,
)
_LEAST_LETTERS = 0.45


def plain(raw: str | None, *, limit: int) -> str:
    """Plain text in NFC, paragraphs divided by a blank line, at most `limit` characters; "" for nothing."""
    if not raw:
        return ""
    text = raw[:_MAX_RAW]
    if "#" in text:
        text = _LAME_ENTITY.sub(r"&#\1;", text)
    for _ in range(_ROUNDS):
        if _TAG.search(text):
            text = _without_tags(text)
        elif _ENTITY.search(text):
            text = html.unescape(text)
        else:
            break
    if not text.isascii():
        text = unicodedata.normalize("NFC", _UNWANTED.sub("", text))
    elif _ASCII_CONTROL.search(text):
        text = _ASCII_CONTROL.sub("", text)
    if "chars]" in text[-12:]:
        text = _CUT.sub("", text)
    folded = "\n".join([" ".join(part.split()) for part in _LINE_ENDS.split(text)])
    return _MANY_BREAKS.sub("\n\n", folded)[:limit].strip()


def line(raw: str | None, *, limit: int) -> str:
    """Plain text on one line: titles, names."""
    return " ".join(plain(raw, limit=limit).split())


def is_headline_list(raw: str | None) -> bool:
    """Whether a description is a list of other articles' titles."""
    return _HEADLINE_LIST.match(raw or "") is not None


def is_junk(text: str) -> bool:
    """Whether a content says nothing: a notice of rights, or punctuation whose letters were lost on the way."""
    if _NOTICE.fullmatch(text):
        return True
    solid = "".join(text[:1_000].split())
    least = _LEAST_LETTERS * len(solid)
    if sum(map(str.isalpha, solid)) >= least:
        return False
    # Vowel signs are letters to readers and marks to Unicode.
    return sum(unicodedata.category(c)[0] in "LM" for c in solid) < least


def _without_tags(text: str) -> str:
    if text.count("<") > _MAX_TAGS:
        return _ANY_TAG.sub(" ", text).replace("<", " ")
    tree = LexborHTMLParser(_BREAK.sub("\n\n<", text).encode("utf-8", "ignore"))
    tree.strip_tags(list(_HIDDEN))
    return tree.body.text() if tree.body else ""
