"""The embedded engine tantivy over the same articles: the limit that a search in PostgreSQL can approach."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import tantivy

_ROWS = """
    SELECT id, title, coalesce(description, ''), coalesce(content, ''), source_name, source, published_at FROM articles
"""
HEAP_BYTES = 256_000_000


class Engine:
    """An index that is made once for each archive and kept beside it."""

    def __init__(self, directory: Path, url: str) -> None:
        schema = _schema()
        if not (directory / "made").exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
            _fill(tantivy.Index(schema, path=str(directory)), url)
            (directory / "made").touch()
        self._index = tantivy.Index.open(str(directory))
        self._searcher = self._index.searcher()

    def search(self, text: str, *, newest: bool, deep: int = 0) -> int:
        """The ids of twenty articles and the exact count, as tantivy tells them; returns the count."""
        query = self._index.parse_query(text, ["title", "body"])
        order = {"order_by_field": "at"} if newest else {}
        found = self._searcher.search(query, limit=20, offset=deep, count=True, **order)
        for _, address in found.hits:
            self._searcher.doc(address)["id"]
        return int(found.count or 0)


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("id", stored=True)
    for name in ("title", "body"):
        builder.add_text_field(name, tokenizer_name="en_stem")
    for name in ("outlet", "source"):
        builder.add_text_field(name, tokenizer_name="raw")
    builder.add_integer_field("at", indexed=True, fast=True)
    return builder.build()


def _fill(index: Any, url: str) -> None:
    writer = index.writer(heap_size=HEAP_BYTES, num_threads=1)
    for id_, title, description, content, outlet, source, at in _rows(url):
        body, second = f"{description}\n{content}", int(at.timestamp())
        writer.add_document(
            tantivy.Document(id=id_, title=title, body=body, outlet=outlet, source=source, at=second)
        )
    writer.commit()
    writer.wait_merging_threads()


def _rows(url: str) -> Iterator[tuple[int, str, str, str, str, str, datetime]]:
    with psycopg.connect(url) as connection, connection.cursor(name="articles") as cursor:
        cursor.itersize = 5_000
        cursor.execute(_ROWS)
        yield from cursor
