"""Do two titles tell the same story? Pure, symmetric, and with numbers as an equivalence.

Comparing every title with every other is out of the question, so each title is filed under some of its words
(`words`) and only titles that share one are compared (`same_story`). Sharing a word is necessary for being alike
in nearly all cases: the captured titles lose fewer than one pair in two hundred (a test holds that).
"""

import math
import re
import unicodedata
import zlib
from datetime import datetime, timedelta

import msgspec
from rapidfuzz import fuzz

# One outlet tells one event under one address; the same title under another one later is its next instalment
# (corrections, letters, pictures of the day). Half a day's news cycle and some.
SERIES_AFTER = timedelta(hours=18)
# Titles this short are rubrics ("Letters", "Live updates") rather than events: only the very same, and soon.
_RUBRIC_WORDS = 3
_RUBRIC_WINDOW = timedelta(hours=24)
# In titles up to this long, and in two of one outlet, a word in another's place makes another event ("Mike Davis
# obituary", "Denis Meikle obituary"; "flops of the season", "goals of the season"); in longer ones, another wording.
_SHORT_WORDS = 5
# Longer words say more; five or six letters of them survive inflection and most misspellings.
_STEM = 6

_ACCENTS = re.compile("[\u0300-\u036f]")
_APOSTROPHES = re.compile(r"(?<=\w)['\u2019\u02bc](?=\w)")
_SEPARATORS = re.compile(r"[^\w\u0900-\u0dff\u200c\u200d]+|_+")
_JOINERS = re.compile("[\u200c\u200d]")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CARDINALS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty"
)
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_CARDINALS.split(), start=2)} | {
    "thirty": "30", "forty": "40", "fifty": "50", "third": "3", "fourth": "4", "fifth": "5",
}  # fmt: skip
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_MONTHS = "january february march april may june july august september october november december"
# "Sept." and the first three letters of a month name it too, where they are not another word.
_CALENDAR = (
    {name: name[:3] for name in f"{_DAYS} {_MONTHS}".split()}
    | {name[:3]: name[:3] for name in _MONTHS.split() if name != "march"}
    | {"sept": "sep"}
)
# A verb, unless a number stands beside it.
_AMBIGUOUS = {"may", "march"}

_SMALL = (
    "a an and are as at be by for from has have he her his how in is it its of on or out over she that the their they "
    "this to up was we what when where who why will with you your after amid new says say said not but no more than "
    "about into off us"
)
_STOP = frozenset(_SMALL.split())


class Title(msgspec.Struct, frozen=True, kw_only=True):
    """A title as it is compared: page tells the outlet and the article, see urls.Location."""

    page: str
    key: str
    numbers: str
    published_at: datetime


def title_key(title: str) -> str:
    """Case, accents and punctuation folded: `Johnson's "Café" plan` → `johnsons cafe plan`."""
    # Twice: what a letter of mathematics decomposes into may be a capital.
    once = unicodedata.normalize("NFKD", title.casefold())
    decomposed = unicodedata.normalize("NFKD", once.casefold())
    folded = unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed))
    return " ".join(_SEPARATORS.sub(" ", _JOINERS.sub("", _APOSTROPHES.sub("", folded))).split())


def numbers(title: str) -> str:
    """The numbers, weekdays and months of a title, sorted: where these differ it is another story."""
    folded = unicodedata.normalize("NFKC", title).casefold()
    found = {_plain_number(n) for n in _NUMBER.findall(folded)}
    tokens = re.findall(r"[^\W\d_]+|\d+", folded)
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        if token in _NUMBER_WORDS:
            found.add(_NUMBER_WORDS[token])
        elif token in _CALENDAR and (token not in _AMBIGUOUS or before.isdecimal() or after.isdecimal()):
            found.add(_CALENDAR[token])
    return " ".join(sorted(found))


def words(key: str, numbers_of_it: str) -> tuple[int, ...]:
    """What a title is filed under: signed 32-bit hashes of its longest words, each with all of its numbers.

    Two titles that share more than half of their words share one of these, because all titles choose by the same
    order (the principle of prefix filtering). The numbers are part of the hash as they must be equal anyway.
    """
    stems = {stem for token in key.split() for stem in _stems(token)}
    telling = sorted(stems - _STOP or stems, key=lambda stem: (-len(stem), zlib.crc32(stem.encode())))
    chosen = telling[: math.ceil(len(telling) / 2) + 1]
    hashes = {zlib.crc32(f"{stem} {numbers_of_it}".encode()) for stem in chosen}
    return tuple(sorted(h - (1 << 32) if h >> 31 else h for h in hashes))


def same_story(one: Title, other: Title, *, threshold: float, window: timedelta) -> float | None:
    """How much alike (0-100) two titles of one story are; None when they are not of one story."""
    apart = abs(one.published_at - other.published_at)
    if apart > window or one.numbers != other.numbers:
        return None
    is_one_outlet = one.page != other.page and _outlet(one.page) == _outlet(other.page)
    if is_one_outlet and apart > SERIES_AFTER:
        return None
    if one.key == other.key:
        return None if apart > _RUBRIC_WINDOW and _is_rubric(one.key) else 100.0
    if (is_one_outlet or _is_short(one.key) or _is_short(other.key)) and _is_variation(one.key, other.key):
        return None
    return likeness(one.key, other.key, threshold)


def likeness(one: str, other: str, threshold: float) -> float | None:
    """How much alike two title keys are, in the order they stand or sorted by word; None up to the threshold."""
    best = max(
        fuzz.ratio(one, other, score_cutoff=threshold),
        fuzz.token_sort_ratio(one, other, score_cutoff=threshold),
    )
    return best if best > threshold else None


def _is_rubric(key: str) -> bool:
    return sum(len(_stems(token)) for token in key.split()) < _RUBRIC_WORDS


def _is_short(key: str) -> bool:
    return key.count(" ") < _SHORT_WORDS


def _is_variation(one: str, other: str) -> bool:
    """Whether each has a word that the other lacks: "goals of the season" and "flops of the season"."""
    mine, theirs = set(one.split()), set(other.split())
    return bool(mine - theirs) and bool(theirs - mine)


def _outlet(page: str) -> str:
    return page.partition("/")[0]


def _stems(token: str) -> list[str]:
    if len(token) > 1 and _UNSPACED.search(token):
        return [token[i : i + 2] for i in range(len(token) - 1)]
    return [token[:_STEM]]


def _plain_number(number: str) -> str:
    """`1,234` and `1234`, `०८` and `8`, `2.0` and `2.00` are one."""
    ascii_number = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in number)
    whole = re.sub(r",(?=\d{3}\b)", "", ascii_number).replace(",", ".")
    head, *rest = whole.split(".")
    return ".".join([head.lstrip("0") or "0", *rest])
