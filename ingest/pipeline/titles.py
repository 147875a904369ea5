"""Titles without the outlet's name, and authors who are people."""

import re
from urllib.parse import urlsplit

# A title part that follows one of these at its end may be the outlet's name.
_LAST_PART = re.compile(
    r"^(?P<head>.*\S)\s+(?:[-\u2013\u2014|·•»:]|::)\s+(?P<tail>[^|\u2013\u2014·•»]{2,60}?)\s*$", re.DOTALL
)
_NAME_NOISE = re.compile(
    r"\b(?:the|www|com|co|uk|in|org|net|news|online|english|india|magazine|live)\b|[\W_]+", re.IGNORECASE
)
_SQUASH = re.compile(r"[\W_]+")
# A tail that no name of the outlet confirms must look like a masthead in every word.
_MASTHEAD = re.compile(
    r"""(?:The\s)?(?:[A-Z&][\w.&'\u2019]*\s){0,3}
    (?:News(?:paper|room|wire|week|letter)?|Times|Post|Herald|Tribune|Gazette|Chronicle|Telegraph|Journal|Magazine|Today
    |Tonight|Mirror|Observer|Guardian|Independent|Reuters|Bloomberg|Mint|Insider|Standard|Express|Mail|Review|Digest|Wire
    |BBC|CNN|NBC|CBS|ABC|NPR|NDTV|TV)
    (?:\s(?:News|Online|India|UK|US|World|Sport|Sports|Business))?
    | (?:\S+\.(?:com|org|net|in|co\.uk|co\.in|tv|io))(?:\snews)?""",
    re.VERBOSE,
)
_LEAST_SHARED = 4
_MOST_INITIALS_WORDS = 2
_LEAST_HEAD_WORDS = 2
_LEAST_HEAD_LETTERS = 8  # Chinese and Japanese have no spaces

_BY = re.compile(r"^(?:written\s+by|by|von|par|por)\b[:\s]+(?=\S)", re.IGNORECASE)
_EMAIL = re.compile(r"^<?\S+@\S+\.\w+>?\s*(?:\((?P<name>[^)]+)\))?$")
_NOBODY = {"", "null", "none", "unknown", "admin", "[deleted]", "[removed]", "deleted", "n/a", "-"}
_HANDLES = re.compile(r"(?:^|\.)(?:facebook|twitter|x|instagram|linkedin|threads|medium)\.(?:com|net)$")


def without_outlet(title: str, source_name: str, page: str) -> str:
    """The title without its tail " - Outlet", where the tail is this outlet's name or looks like a masthead.

    page: as urls.Location.page; its host is one of the outlet's names.
    """
    names = {squashed for name in (source_name, page.split("/", 1)[0]) if (squashed := _squashed(name))}
    while last := _LAST_PART.match(title):
        head, tail = last["head"], last["tail"]
        long_enough = len(head.split()) >= _LEAST_HEAD_WORDS or len(head) >= _LEAST_HEAD_LETTERS
        is_outlet = _is_name(tail, names) or _MASTHEAD.fullmatch(tail) or _is_initials(tail, source_name)
        if not long_enough or not is_outlet:
            break
        title = head
    return title


def byline(author: str) -> str | None:
    """An author's name: without "By", without addresses; the handle where only a profile's address is known."""
    name = _BY.sub("", author).strip(" ,;|")
    if "://" in name or name.lower().startswith("www."):
        return _handle(name)
    if email := _EMAIL.match(name):
        return email["name"]
    return None if name.lower() in _NOBODY or not any(c.isalpha() for c in name) else name


def _squashed(name: str) -> str:
    return _NAME_NOISE.sub("", name).casefold() or _SQUASH.sub("", name).casefold()


def _is_name(tail: str, names: set[str]) -> bool:
    whole = _SQUASH.sub("", tail).casefold()
    core = _squashed(tail)
    for name in names:
        if core == name or (len(whole) >= _LEAST_SHARED and name.startswith(whole)):
            return True
        if min(len(core), len(name)) >= _LEAST_SHARED and (
            core in name or core.startswith(name) or core.endswith(name)
        ):
            return True
    return False


def _is_initials(tail: str, source_name: str) -> bool:
    """`HT Tech` of Hindustan Times, `WSJ` of The Wall Street Journal."""
    words = [word for word in source_name.split() if word.lower() not in ("the", "of")]
    initials = "".join(word[0] for word in words).upper()
    return (
        len(initials) > 1
        and tail.split(maxsplit=1)[0] == initials
        and len(tail.split()) <= _MOST_INITIALS_WORDS
    )


def _handle(address: str) -> str | None:
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        known = _HANDLES.search(parts.hostname or "")
    except ValueError:
        return None
    last = parts.path.rstrip("/").rpartition("/")[2].lstrip("@")
    return last if known and re.fullmatch(r"[\w.-]{2,60}", last) and not last.endswith(".php") else None
