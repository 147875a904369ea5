"""One type per stage of an article's life: RawItem → Article → ScoredArticle, or a fate on the way.

A source turns one upstream record into a RawItem (fields as sent, only named alike). `pipeline.normalise` turns that
into an Article (clean, canonical, dated, in a language), `pipeline.sentiment` adds its tone, `pipeline.write` stores
it.
"""

from datetime import datetime

import msgspec


class RawItem(msgspec.Struct, frozen=True, kw_only=True):
    """One upstream item, as sent. Nothing is cleaned yet; a text may be None, "", HTML or nonsense."""

    source: str  # newsapi | guardian | reddit
    external_id: str | None  # None: the upstream has no id, the canonical URL becomes it
    url: str | None  # the page that the item is about
    shown_at: str | None = (
        None  # where the upstream itself shows the item, when that is another page (Reddit)
    )
    title: str | None
    description: str | None = None
    content: str | None = None
    author: str | None = None
    source_name: str | None  # the outlet
    image_url: str | None = None
    language: str | None = None  # when the upstream says it
    published_at: str | float | None  # ISO 8601 or unix time
    modified_at: str | float | None = None
    original: bytes  # the record's JSON, for quarantine


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """A normalised item: everything that can be known without the archive.

    url is what readers follow, page is its identity (see pipeline.urls); title has no outlet suffix; texts are plain
    text without HTML, entities or control characters;
    published_at and modified_at are UTC; language is ISO 639-1 or None when it cannot be told; digest is 63 bits of
    everything that a reader sees, so that versions of one page have an order.
    title_key, numbers and words are what `pipeline.match` compares.
    """

    source: str
    external_id: str
    url: str
    page: str
    shown_at: str
    title: str
    description: str | None
    content: str | None
    author: str | None
    source_name: str
    image_url: str | None
    language: str | None
    published_at: datetime
    modified_at: datetime
    completeness: int
    digest: int
    title_key: str
    numbers: str
    words: tuple[int, ...]


class Sentiment(msgspec.Struct, frozen=True, kw_only=True):
    """Tone of one article: label and numbers, or the reason why there is none.

    polarity: -1..1; subjectivity and confidence: 0..1; text_length: characters that were read.
    """

    polarity: float | None
    subjectivity: float | None
    label: str | None  # positive | neutral | negative
    confidence: float | None
    text_length: int
    method: str
    method_version: str
    reason: str | None  # language_unknown | language_unsupported | no_text


class ScoredArticle(msgspec.Struct, frozen=True, kw_only=True):
    """An article on its way into the archive."""

    article: Article
    sentiment: Sentiment


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """An item that could not be understood; kept with its original so that it can be replayed."""

    source: str
    reason: str  # undecodable | bad_url | bad_date | no_title | ... : a short stable name
    detail: str  # a sentence
    identity: str | None = None  # the upstream's id; None: it has none, or could not be read
    original: bytes


class Discarded(msgspec.Struct, frozen=True, kw_only=True):
    """An item that is understood and not wanted; counted under its reason."""

    source: str
    reason: str  # withdrawn | self_post | ... : a short stable name


Outcome = RawItem | Quarantined | Discarded


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What one batch did. fetched = stored + merged + quarantined + sum(discarded)."""

    fetched: int = 0
    stored: int = 0  # new articles
    merged: int = 0  # items that belong to an article already there (or to an earlier one of the batch)
    quarantined: int = 0
    discarded: dict[str, int] = {}
    changed_articles: tuple[int, ...] = ()  # ids stored or improved: what cached answers may lack
    former_articles: tuple[str, ...] = ()  # what ingest.store.standing tells of those that were there before
