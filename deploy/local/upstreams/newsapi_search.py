"""Which of NewsAPI's articles a request asks for, and in which order."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from deploy.local.upstreams import dates
from deploy.local.upstreams.feed import Entry, Item
from deploy.local.upstreams.newsapi_rules import (
    MALFORMED,
    Params,
    Refusal,
    check_not_too_old,
    check_sources,
    query_text,
    search_fields,
)
from deploy.local.upstreams.query import Node, QueryError, matches, parse, score
from deploy.local.upstreams.state import Simulator

REMOVED: Item = {
    "source": {"id": None, "name": "[Removed]"},
    "author": None,
    "title": "[Removed]",
    "description": "[Removed]",
    "url": "https://removed.com",
    "urlToImage": None,
    "publishedAt": "1970-01-01T00:00:00Z",
    "content": "[Removed]",
}
CATEGORY_WORDS = {
    "business": "market|shares|bank|economy|inflation|company|profits?|trade|stocks?|investors?|jobs|prices",
    "entertainment": "film|movie|music|album|actor|actress|celebrity|tv|show|festival|star|netflix",
    "health": "health|hospital|doctors?|nhs|disease|virus|vaccine|covid|patients?|cancer|monkeypox",
    "science": "scientists?|nasa|space|study|researchers?|species|planet|climate|telescope|physics",
    "sports": "match|league|cup|goal|coach|player|win|championship|football|cricket|nba|nfl|tennis|ipl",
    "technology": "app|apple|google|microsoft|software|tech|phone|ai|iphone|android|twitter|chip|cyber",
}
"""Captured articles do not say in which category they were: these words in the title decide. `general` is all."""

_HEADLINE_LANGUAGES = {"en-us": "en", "en-gb": "en"}


def everything(simulator: Simulator, params: Params, known_sources: frozenset[str]) -> list[Item]:
    """The articles of `/everything`; bad dates, domains and orders are ignored like the real one does."""
    settings, now = simulator.settings, simulator.now()
    fields = search_fields(params)
    wanted = _parsed(params.get("q", ""))
    in_title = _parsed(params.get("qInTitle", ""))
    sources = check_sources(params, known_sources)
    start = dates.parse(params.get("from", ""))
    end = dates.parse(params.get("to", ""), end_of_day=True)
    check_not_too_old(start, now, settings)
    found = [
        entry
        for entry in _visible(simulator)
        if (start is None or entry.at >= start)
        and (end is None or entry.at <= end)
        and _of_sources(entry, sources)
        and _of_domains(entry, params)
        and _in_language(entry, params.get("language", ""))
        and (wanted is None or matches(wanted, _fields(entry, fields)))
        and (in_title is None or matches(in_title, _title(entry)))
    ]
    return [_shown(simulator, entry) for entry in _ordered(found, params.get("sortBy", ""), wanted)]


def top_headlines(simulator: Simulator, params: Params, known_sources: frozenset[str]) -> list[Item]:
    """The articles of `/top-headlines`, newest first; every country but `us` has none."""
    wanted = _parsed(params.get("q", ""))
    sources = check_sources(params, known_sources)
    language = params.get("language", "").lower()
    if params.get("country", "us").lower() != "us":
        return []
    return [
        _shown(simulator, entry)
        for entry in _visible(simulator)
        if _of_sources(entry, sources)
        and _in_category(entry, params.get("category", ""))
        and _in_language(entry, _HEADLINE_LANGUAGES.get(language, language))
        and (wanted is None or matches(wanted, entry.words))
    ]


def _visible(simulator: Simulator) -> Iterator[Entry]:
    """The Developer plan's articles come a day late when the setting says so."""
    return simulator.feeds.newsapi.published(simulator.now() - simulator.settings.newsapi_delay_seconds)


def _parsed(text: str) -> Node | None:
    text = query_text(text.strip())
    if not text:
        return None
    try:
        return parse(text)
    except QueryError as error:
        raise Refusal(400, "queryMalformed", MALFORMED) from error


def _fields(entry: Entry, names: tuple[str, ...]) -> Callable[[str | None], str]:
    return lambda _: " | ".join(entry.words(name) for name in names)


def _title(entry: Entry) -> Callable[[str | None], str]:
    return _fields(entry, ("title",))


def _of_sources(entry: Entry, ids: frozenset[str]) -> bool:
    return not ids or entry.facets.get("source", "") in ids


def _of_domains(entry: Entry, params: Params) -> bool:
    host = (urlsplit(entry.key).hostname or "").removeprefix("www.")
    wanted, excluded = _names(params.get("domains", "")), _names(params.get("excludeDomains", ""))
    return (not wanted or _under(host, wanted)) and not _under(host, excluded)


def _names(text: str) -> list[str]:
    return [name.strip().lower().removeprefix("www.") for name in text.split(",") if name.strip()]


def _under(host: str, domains: list[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _in_language(entry: Entry, language: str) -> bool:
    return not language or entry.facets.get("language") == language


def _in_category(entry: Entry, category: str) -> bool:
    category = category.lower()
    if category in {"", "general"}:
        return True
    if known := entry.facets.get("category"):
        return known == category
    words = CATEGORY_WORDS.get(category)
    return words is not None and re.search(rf"\b({words})\b", entry.words("title")) is not None


def _ordered(found: list[Entry], order: str, wanted: Node | None) -> list[Entry]:
    if order == "relevancy" and wanted is not None:
        return sorted(found, key=lambda entry: -2 * score(wanted, _title(entry)) - score(wanted, entry.words))
    if order == "popularity":
        return sorted(found, key=lambda entry: entry.facets.get("popularity", "5"))
    return found


def _shown(simulator: Simulator, entry: Entry) -> Item:
    return REMOVED if entry.key in simulator.feeds.newsapi.withdrawn else entry.item
