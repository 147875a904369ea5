"""One article a line: CSV (RFC 4180) for spreadsheets, JSON Lines for scripts."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from api.formats.page import Page
from api.queries.articles import Article

COLUMNS: Final = (
    "id", "title", "description", "url", "source", "source_name", "author", "image_url", "language", "published_at",
    "fetched_at", "story_id", "also_in", "polarity", "subjectivity", "label", "confidence", "content",
)  # fmt: skip
TONE: Final = ("polarity", "subjectivity", "label", "confidence")
# A spreadsheet takes a cell that begins like this for a formula, and a formula can send the others elsewhere.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render_csv(page: Page) -> bytes:
    """UTF-8 with a byte order mark, without which spreadsheets read it as Latin-1."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    columns = _columns(page.fields)
    writer.writerow(columns)
    for article in page.articles:
        row = _row(article)
        writer.writerow([cell(row[name]) for name in columns])
    return out.getvalue().encode("utf-8-sig", "replace")


def render_lines(page: Page) -> bytes:
    shown: Iterable[Any] = page.articles
    if page.fields:
        shown = ({name: getattr(article, name) for name in page.fields} for article in page.articles)
    return b"".join(msgspec.json.encode(article) + b"\n" for article in shown)


def cell(value: Any) -> Any:
    """Text that would be taken for a formula gets an apostrophe before it, as OWASP recommends; numbers stay."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value


def _columns(fields: tuple[str, ...] | None) -> list[str]:
    if not fields:
        return list(COLUMNS)
    wanted = {*fields, *(TONE if "sentiment" in fields else ())}
    return [name for name in COLUMNS if name in wanted]


def _row(article: Article) -> dict[str, Any]:
    tone = article.sentiment
    return {
        **{name: getattr(article, name) for name in COLUMNS if hasattr(article, name)},
        "published_at": article.published_at.isoformat(),
        "fetched_at": article.fetched_at.isoformat(),
        "also_in": " ".join(each.url for each in article.also_in),
        "polarity": tone.polarity,
        "subjectivity": tone.subjectivity,
        "label": tone.label,
        "confidence": tone.confidence,
    }
