"""RawItem → Article: everything that can be known without the archive, or why the item cannot be understood."""

import hashlib
from datetime import datetime

import msgspec

from ingest.article import Article, Quarantined, RawItem
from ingest.pipeline import dates, language, match, text, titles, urls
from ingest.pipeline.errors import UnusableError, quarantined

MAX_TITLE = 500
MAX_DESCRIPTION = 2_000
# The search vector may hold 1 MB of lexemes; nothing that was written for readers is longer than this.
MAX_CONTENT = 100_000
MAX_NAME = 200

# What makes an article complete: 100 points. A text that a reader can read counts most, then what a list shows.
_POINTS = {"description": 15, "author": 15, "image_url": 15, "language": 5}
_CONTENT_POINTS = ((1_000, 50), (300, 40), (1, 25))  # at least this many characters → points


def normalise(raw: RawItem, now: datetime) -> Article | Quarantined:
    """Clean one item. An error that nobody foresaw is this item's fate and not the batch's."""
    try:
        return _article(raw, now)
    except Exception as error:  # noqa: BLE001 - one bad item never stops the batch
        return quarantined(raw, error)


def _article(raw: RawItem, now: datetime) -> Article:
    link, page = urls.locate(raw.url)
    source_name = text.line(raw.source_name, limit=MAX_NAME) or page.partition("/")[0]
    title = _title(raw, source_name, page)
    description = _description(raw, title)
    content = _content(raw, title)
    published_at = dates.parse(raw.published_at, now)
    numbers = match.numbers(title)
    key = match.title_key(title)
    article = Article(
        source=raw.source,
        external_id=text.line(raw.external_id, limit=urls.MAX_LENGTH) or page,
        url=link,
        page=page,
        shown_at=urls.web_link(raw.shown_at) or link,
        title=title,
        description=description,
        content=content,
        author=titles.byline(text.line(raw.author, limit=MAX_NAME)),
        source_name=source_name,
        image_url=urls.web_link(raw.image_url),
        language=language.tell(raw.language, title, description),
        published_at=published_at,
        modified_at=_modified_at(raw, published_at, now),
        completeness=0,
        digest=0,
        title_key=key,
        numbers=numbers,
        words=match.words(key, numbers),
    )
    article = msgspec.structs.replace(article, completeness=completeness(article))
    return msgspec.structs.replace(article, digest=_digest(article))


def completeness(article: Article) -> int:
    """0-100: how much of an article's metadata is there; the story's lead is the most complete one."""
    length = len(article.content or "")
    points = next((points for least, points in _CONTENT_POINTS if length >= least), 0)
    return points + sum(points for field, points in _POINTS.items() if getattr(article, field))


def _title(raw: RawItem, source_name: str, page: str) -> str:
    title = titles.without_outlet(text.line(raw.title, limit=MAX_TITLE), source_name, page)
    if not any(c.isalnum() for c in title):
        raise UnusableError("no_title", "the title is missing or has no letter in it")
    return title


def _description(raw: RawItem, title: str) -> str | None:
    if text.is_headline_list(raw.description):
        return None
    description = text.plain(raw.description, limit=MAX_DESCRIPTION)
    return None if not description or match.title_key(description) == match.title_key(title) else description


def _content(raw: RawItem, title: str) -> str | None:
    content = text.plain(raw.content, limit=MAX_CONTENT)
    return None if not content or text.is_junk(content) or content == title else content


def _modified_at(raw: RawItem, published_at: datetime, now: datetime) -> datetime:
    """A wrong date of change is no reason to lose the article."""
    if raw.modified_at is None:
        return published_at
    try:
        return max(dates.parse(raw.modified_at, now), published_at)
    except UnusableError:
        return published_at


def _digest(article: Article) -> int:
    """63 bits of everything a reader sees: two versions that are equal in rank get an order by it."""
    seen = msgspec.json.encode(
        msgspec.structs.replace(article, shown_at="", published_at=article.modified_at)
    )
    return int.from_bytes(hashlib.blake2b(seen, digest_size=8).digest(), "big") >> 1
