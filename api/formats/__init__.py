"""A list of articles in the forms that feed readers, spreadsheets and scripts take: one file for each."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from api import examples
from api.accept import Wishes, quality, wishes
from api.formats import atom, json_feed, rss, table
from api.formats.page import Page
from api.queries.articles import Article

__all__ = ["BY_NAME", "JSON", "Format", "Page", "chosen", "in_examples"]


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """accepted: media types of an Accept header that mean it; media_type: what the answer says that it is; shows: which
    parameters about the content of an answer it can follow; kind: the Struct that is rendered, None for text.
    """

    name: str
    media_type: str
    accepted: tuple[str, ...]
    shows: frozenset[str] = frozenset()
    render: Callable[[Page], bytes] | None = None
    kind: type[Any] | None = None


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
        render=json_feed.render, kind=json_feed.Feed,
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


def in_examples() -> Iterator[tuple[Format, Any]]:
    """Each form that is not the product's own, with one answer in it: text, or JSON as it is read."""
    article = msgspec.convert(examples.answer(Article), Article)
    address = "https://news.example/articles?q=storm"
    for form in BY_NAME.values():
        if form.render:
            url = f"{address}&format={form.name}"
            page = Page(
                title="News: storm",
                feed=url,
                url=url,
                home="https://news.example",
                next_url=None,
                updated=article.published_at,
                articles=[article],
            )
            rendered = form.render(page)
            yield form, msgspec.json.decode(rendered) if form.kind else rendered.decode()


def _best(wanted: Wishes) -> Format | None:
    best, best_quality = None, 0.0
    for each in _ALL:
        found = max(quality(wanted, media_type) for media_type in each.accepted)
        if found > best_quality:
            best, best_quality = each, found
    return best
