"""Made-up news: words as frequent as in real news, titles that several outlets repeat, two years of dates.

Seeded and streaming: article n is the same however many are asked for. About 40,000 a second.
"""

import random
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice

import msgspec

from ingest.article import RawItem

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=730)
VOCABULARY = 40_000
# Zipf's law with the exponent and shift that fit English news.
_EXPONENT, _SHIFT = 1.05, 2.7
# Of the articles, so many tell a story of the last two days once more.
_REPEATED = 0.35
_REPEATED_WITHIN = timedelta(hours=48)
# Of these, so many under a title that is changed by a word.
_REWORDED = 0.5

_FREQUENT = (
    "the of to and in a is that for on with as was at by it from be are have has an this will not its said after but "
    "who they he she his her their which been more about were or one new than would up out when all also over into"
)
_FUNCTION_WORDS = _FREQUENT.split()
_TELLING = (
    "good great best happy strong wonderful bad worst terrible sad weak violent fatal angry safe free important big "
    "small early late certain clear poor rich hard easy dangerous popular beautiful tragic brilliant awful fine"
)
_TONE = _TELLING.split()
_CONSONANTS, _VOWELS = "b c d f g h j k l m n p r s t v w st tr ch", "a e i o u ai ou"
_SYLLABLES = [consonant + vowel for consonant in _CONSONANTS.split() for vowel in _VOWELS.split()]
_ENDINGS = ["n", "r", "l", "t", "s", "nd", "ng", "tion", "ment", "er", "al", "y"]
_PLACES = "Harbour City Morning Northern Capital Island River Valley Metro Union"
_OUTLETS = [
    (f"{place} {kind}", f"{place}{kind}.example".lower())
    for place in _PLACES.split()
    for kind in ("Post", "Times", "Herald", "Courier")
]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """An article as a source would yield it, and which story it was made for."""

    number: int
    story: int
    title: str  # without the outlet
    at: datetime
    raw: RawItem


class _Told(msgspec.Struct, frozen=True):
    story: int
    title: list[str]
    at: datetime


def made(count: int, *, seed: int = 7, first: int = 0, span_of: int | None = None) -> Iterator[Made]:
    """Articles number first … first + count. span_of: how many articles the two years hold (default: count)."""
    return islice(_endless(seed, span_of or count), first, first + count)


def vocabulary(seed: int = 7) -> list[str]:
    """All words, the most frequent first."""
    dice = random.Random(seed)
    words = dict.fromkeys(_FUNCTION_WORDS)
    while len(words) < VOCABULARY:
        syllables = 1 + (len(words) > 500) + (dice.random() < 0.5)
        words["".join(dice.choices(_SYLLABLES, k=syllables)) + dice.choice(_ENDINGS)] = None
    made_up = list(words)
    for place, word in zip(range(120, 20_000, 300), _TONE, strict=False):
        made_up[place] = word
    return made_up


def _endless(seed: int, span_of: int) -> Iterator[Made]:
    dice = random.Random(seed)
    words = vocabulary(seed)
    weights = list(accumulate(1 / (rank + _SHIFT) ** _EXPONENT for rank in range(len(words))))
    telling = words[len(_FUNCTION_WORDS) :]
    telling_weights = [
        weight - weights[len(_FUNCTION_WORDS) - 1] for weight in weights[len(_FUNCTION_WORDS) :]
    ]
    sentences = [
        " ".join(dice.choices(words, cum_weights=weights, k=dice.randrange(8, 26))).capitalize() + "."
        for _ in range(30_000)
    ]
    recent: deque[_Told] = deque(maxlen=1_000)
    step = SPAN / span_of
    number = 0
    while True:
        at = BEGIN + number * step
        while recent and at - recent[0].at > _REPEATED_WITHIN:
            recent.popleft()
        told = dice.choice(recent) if recent and dice.random() < _REPEATED else None
        if told is None:
            title = dice.choices(telling, cum_weights=telling_weights, k=dice.randrange(6, 12))
            if dice.random() < 0.2:
                title.append(str(dice.randrange(2, 2_000)))
            told = _Told(number, title, at)
            recent.append(told)
        title = list(told.title)
        if told.story != number and dice.random() < _REWORDED:
            title.insert(dice.randrange(len(title)), dice.choice(_FUNCTION_WORDS))
        yield _article(dice, number, told.story, " ".join(title).capitalize(), at, sentences)
        number += 1


def _article(
    dice: random.Random, number: int, story: int, title: str, at: datetime, sentences: list[str]
) -> Made:
    outlet, host = dice.choice(_OUTLETS)
    kind = dice.random()
    source, external_id = ("guardian", f"world/{number}") if kind < 0.25 else ("newsapi", None)
    # NewsAPI cuts the content at 200 characters; the Guardian sends all of it.
    content = " ".join(dice.choices(sentences, k=dice.randrange(8, 30) if source == "guardian" else 2))
    raw = RawItem(
        source=source,
        external_id=external_id,
        url=f"https://www.{host}/news/{number}?utm_source=feed",
        title=f"{title} - {outlet}" if source == "newsapi" and kind < 0.7 else title,
        description=dice.choice(sentences),
        content=content if source == "guardian" else f"{content[:200]}… [+{len(content)} chars]",
        author="Jane Doe" if kind < 0.8 else None,
        source_name=outlet,
        image_url=f"https://img.{host}/{number}.jpg" if kind < 0.9 else None,
        language="en",
        published_at=at.isoformat(),
        original=b"{}",
    )
    return Made(number=number, story=story, title=title, at=at, raw=raw)
