"""Captured articles, moved in time as a whole so that the newest is from now."""

import gzip
from collections.abc import Iterable
from pathlib import Path

import msgspec

from deploy.local.upstreams import dates
from deploy.local.upstreams.feed import Entry, Feed, Item
from deploy.local.upstreams.shapes import guardian_entry, newsapi_entry, reddit_entry
from deploy.local.upstreams.state import Feeds

FILES = {
    "newsapi": "newsapi-articles.jsonl.gz",
    "guardian": "guardian-results.jsonl.gz",
    "reddit": "reddit-posts.jsonl.gz",
}
_GUARDIAN_FIELD_DATES = (
    "lastModified",
    "firstPublicationDate",
    "creationDate",
    "newspaperEditionDate",
    "commentCloseDate",
)


def load(folder: Path, now: float, *, keep_dates: bool) -> Feeds:
    """Read the files that are there; a source without one serves nothing.

    NewsAPI and the Guardian cover the same days, so both move by the same time span; Reddit's posts move by their own.
    """
    rows = {source: _rows(folder / name) for source, name in FILES.items()}
    if not keep_dates:
        news = _gap(now, [row["publishedAt"] for row in rows["newsapi"]], _guardian_dates(rows["guardian"]))
        posts = now - max((float(row["created_utc"]) for row in rows["reddit"]), default=now)
        for row in rows["newsapi"]:
            row["publishedAt"] = _moved(row["publishedAt"], news)
        for row in rows["guardian"]:
            _move_guardian(row, news)
        for row in rows["reddit"]:
            _move_reddit(row, posts)
    return Feeds(
        newsapi=Feed(_newsapi_entries(rows["newsapi"])),
        guardian=Feed(guardian_entry(row) for row in rows["guardian"]),
        reddit=Feed(reddit_entry(row) for row in rows["reddit"]),
    )


def _rows(path: Path) -> list[Item]:
    if not path.exists():
        return []
    decode = msgspec.json.Decoder(dict).decode
    with gzip.open(path) as lines:
        return [decode(line) for line in lines if line.strip()]


def _newsapi_entries(rows: Iterable[Item]) -> Iterable[Entry]:
    """The same address may have been captured twice, from two endpoints: each row stays an article of its own."""
    seen: dict[str, int] = {}
    for row in rows:
        entry = newsapi_entry(row)
        seen[entry.key] = seen.get(entry.key, 0) + 1
        if seen[entry.key] > 1:
            entry.key = f"{entry.key}#{seen[entry.key]}"
        yield entry


def _guardian_dates(rows: list[Item]) -> list[str]:
    return [row["webPublicationDate"] for row in rows]


def _gap(now: float, *dated: list[str]) -> float:
    return now - max((dates.parse(text) or 0.0 for texts in dated for text in texts), default=now)


def _moved(text: str, seconds: float) -> str:
    at = dates.parse(text)
    return text if at is None else dates.iso(at + seconds)


def _move_guardian(row: Item, seconds: float) -> None:
    row["webPublicationDate"] = _moved(row["webPublicationDate"], seconds)
    fields = row.get("fields", {})
    for name in _GUARDIAN_FIELD_DATES:
        if name in fields:
            fields[name] = _moved(fields[name], seconds)


def _move_reddit(row: Item, seconds: float) -> None:
    for name in ("created_utc", "created", "edited"):
        if isinstance(row.get(name), int | float) and not isinstance(row.get(name), bool):
            row[name] = float(int(row[name] + seconds))
    for parent in row.get("crosspost_parent_list") or []:
        _move_reddit(parent, seconds)
