"""A list of articles in the forms that feed readers, spreadsheets and scripts take: one file for each."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from api.accept import Wishes, quality, wishes
from api.formats import atom, json_feed, rss, table
from api.formats.page import Page

__all__ = ["BY_NAME", "JSON", "Format", "Page", "chosen"]


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """accepted: media types of an Accept header that mean it; media_type: what the answer says that it is; shows: which
    parameters about the content of an answer it can follow.
    """

    name: str
    media_type: str
    accepted: tuple[str, ...]
    shows: frozenset[str] = frozenset()
    render: Callable[[Page], bytes] | None = None


# The product's own: everything that there is to say, and what a caller gets that does not mind.
JSON: Final = Format(
    name="json",
    media_type="application/json",
    accepted=("application/json",),
    shows=frozenset({"fields", "highlight", "explain"}),
)

# Feed readers mean a feed by these, browsers a page.
_ANY_XML: Final = ("application/xml", "text/xml")

_ALL: Final = (
    JSON,
    Format(
        name="rss", media_type="application/rss+xml; charset=utf-8",
        accepted=("application/rss+xml", *_ANY_XML), render=rss.render,
    ),
    Format(
        name="atom", media_type="application/atom+xml; charset=utf-8", accepted=("application/atom+xml",),
        render=atom.render,
    ),
    Format(
        name="jsonfeed", media_type="application/feed+json", accepted=("application/feed+json",),
        render=json_feed.render,
    ),
    Format(
        name="csv", media_type="text/csv; charset=utf-8; header=present", accepted=("text/csv",),
        shows=frozenset({"fields"}), render=table.render_csv,
    ),
    Format(
        name="jsonl", media_type="application/jsonl", accepted=("application/jsonl", "application/x-ndjson"),
        shows=frozenset({"fields"}), render=table.render_lines,
    ),
)  # fmt: skip
BY_NAME: Final[Mapping[str, Format]] = {each.name: each for each in _ALL}


def chosen(name: str | None, accept: str | None) -> Format | None:
    """By the parameter, else by the Accept header (RFC 9110, with its q values); None when nothing of ours will do."""
    if name is not None:
        return BY_NAME[name]
    if not accept:
        return JSON
    wanted = wishes(accept)
    if any(wish == "text/html" for wish, _ in wanted):
        pages = [(wish, each) for wish, each in wanted if wish not in _ANY_XML]
        return _best(pages) or _best(wanted)
    return _best(wanted)


def _best(wanted: Wishes) -> Format | None:
    best, best_quality = None, 0.0
    for each in _ALL:
        found = max(quality(wanted, media_type) for media_type in each.accepted)
        if found > best_quality:
            best, best_quality = each, found
    return best
