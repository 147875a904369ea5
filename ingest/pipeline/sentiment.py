"""The tone of an article: TextBlob's pattern lexicon over its title, description and opening."""

from importlib.metadata import version
from typing import Final, Protocol

from textblob.en import sentiment as pattern

from ingest.article import Sentiment

METHOD: Final = "textblob-pattern"
# "+1": our own part (what is read, label borders, confidence); raise it when that changes, so that a re-scoring
# command finds the articles that are out of date.
METHOD_VERSION: Final = f"{version('textblob')}+1"

# A news text says what happened in its first paragraphs; later ones quote both sides and cost 0.7 ms a thousand.
_READ_CHARACTERS: Final = 2_000
_BORDER: Final = 0.1
# The polarity at which more of it makes no label surer, and the words found that make half of full evidence.
_CLEAR: Final = 0.5
_HALF_EVIDENCE: Final = 2

pattern("")  # Loads the lexicon while one thread imports this, rather than when several ask at once.


class Scorable(Protocol):
    """An article, as far as its tone goes."""

    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str | None: ...
    @property
    def content(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...


def score(article: Scorable) -> Sentiment:
    """Label at ±0.1 polarity; no label, and why, where the lexicon does not know the language.

    confidence = evidence x (1 + margin) / 2. evidence: n / (n + 2) for n words found in the lexicon;
    margin: 0 on a label's border, 1 at polarity 0 for neutral and from ±0.5 on for the others.
    """
    text = "\n\n".join(filter(None, (article.title, article.description, article.content)))[:_READ_CHARACTERS]
    if article.language != "en":
        return _none(text, "language_unsupported" if article.language else "language_unknown")
    if not any(c.isalpha() for c in text):
        return _none(text, "no_text")
    found = pattern(text)
    polarity, subjectivity = (max(-1.0, min(found[0], 1.0)), max(0.0, min(found[1], 1.0)))
    label = "positive" if polarity >= _BORDER else "negative" if polarity <= -_BORDER else "neutral"
    return Sentiment(
        polarity=round(polarity, 4),
        subjectivity=round(subjectivity, 4),
        label=label,
        confidence=round(_confidence(polarity, len(found.assessments)), 4),
        text_length=len(text),
        method=METHOD,
        method_version=METHOD_VERSION,
        reason=None,
    )


def _confidence(polarity: float, words: int) -> float:
    strength = abs(polarity)
    inside, outside = 1 - strength / _BORDER, (strength - _BORDER) / (_CLEAR - _BORDER)
    margin = inside if strength < _BORDER else min(1.0, outside)
    return words / (words + _HALF_EVIDENCE) * (1 + margin) / 2


def _none(text: str, reason: str) -> Sentiment:
    return Sentiment(
        polarity=None,
        subjectivity=None,
        label=None,
        confidence=None,
        text_length=len(text),
        method=METHOD,
        method_version=METHOD_VERSION,
        reason=reason,
    )
