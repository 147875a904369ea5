"""What a format is given, and what several of them need."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from api.queries.articles import Article

# XML 1.0 has no way to write these, not even escaped.
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. feed: address of its first page, by which readers know the list; url: of this very page;
    home: of the product; next_url: of the next page, if there is one; fields: of each article, for the formats that are
    tables; None for all.
    """

    title: str
    feed: str
    url: str
    home: str
    next_url: str | None
    updated: datetime
    articles: Sequence[Article]
    fields: tuple[str, ...] | None = None


def xml_text(text: str) -> str:
    """Text that may stand in XML once it is escaped."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def web_address(url: str | None) -> str | None:
    """An address that a feed reader may offer as a link; None for what is no http(s) address (`javascript:`)."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc else None


def image_type(url: str) -> str:
    """The media type that an image's name promises; most that promise nothing are JPEG."""
    ending = urlsplit(url).path.rpartition(".")[2].lower()
    return {"png": "image/png", "gif": "image/gif", "webp": "image/webp", "avif": "image/avif"}.get(
        ending, "image/jpeg"
    )
