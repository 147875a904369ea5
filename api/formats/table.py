"""One article a line: CSV for spreadsheets, JSON Lines for scripts."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from api.formats import sheet
from api.formats.page import Page
from api.queries.articles import Article

COLUMNS: Final = (
    "id", "title", "description", "url", "source", "source_name", "author", "image_url", "language", "published_at",
    "fetched_at", "story_id", "also_in", "polarity", "subjectivity", "label", "confidence", "content",
)  # fmt: skip
TONE: Final = ("polarity", "subjectivity", "label", "confidence")


def render_csv(page: Page) -> bytes:
    columns = _columns(page.fields)
    rows = [_row(article) for article in page.articles]
    return sheet.written(columns, ([row[name] for name in columns] for row in rows))


def render_lines(page: Page) -> bytes:
    shown: Iterable[Any] = page.articles
    if page.fields:
        shown = ({name: getattr(article, name) for name in page.fields} for article in page.articles)
    return b"".join(msgspec.json.encode(article) + b"\n" for article in shown)


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
