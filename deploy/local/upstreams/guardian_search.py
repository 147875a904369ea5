"""Which of the Guardian's items a request asks for, in which order, and which page of them."""

from dataclasses import dataclass
from math import ceil

from deploy.local.upstreams import dates, guardian_filters, guardian_items
from deploy.local.upstreams.feed import Entry, Item
from deploy.local.upstreams.query import Node, matches, parse_cleaned, score
from deploy.local.upstreams.state import Simulator

Params = dict[str, str]

PAGE_SIZE = 10
MAX_PAGE_SIZE = 200
NOT_FOUND = "The requested resource could not be found."
BAD_PAGE_SIZE = f"page-size must be an integer between 0 and {MAX_PAGE_SIZE}"
BAD_PAGE = "page must be an integer greater than 0"
BEYOND = "requested page is beyond the number of available pages"
BAD_DATE = (
    "Dates must be an ISO8601 date or datetime (e.g. 2010-07-20 or 2010-07-20T10:00:00+05:00). "
    "Remember to URL-encode the '+' if you provide a timezone offset."
)
QUERY_FIELDS = {"headline": "headline", "webTitle": "headline", "body": "body", "trailText": "trail"}


class Refusal(Exception):  # noqa: N818 - it is the answer itself, not a failure of the simulator
    """An answer with `status: error` inside the wrapper."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Found:
    """All items that match, in order, with the order's name."""

    entries: list[Entry]
    order: str


def find(simulator: Simulator, params: Params, within: frozenset[str] = frozenset()) -> Found:
    """Everything that matches, in order; `within` demands a section or a tag on top of the parameters."""
    now = simulator.now()
    text = params.get("q", "").strip()
    wanted = parse_cleaned(text) if text else None
    start, end = _date(params, "from-date"), _date(params, "to-date", end_of_day=True)
    by_change = params.get("use-date") == "last-modified"
    order = params.get("order-by") or ("relevance" if wanted else "newest")
    found = [
        entry
        for entry in simulator.feeds.guardian.published(now)
        if entry.key not in simulator.feeds.guardian.withdrawn
        and _between(guardian_items.last_modified(entry, now) if by_change else entry.at, start, end)
        and _filtered(entry, params)
        and (not within or within & _places(entry))
        and (wanted is None or _matches(wanted, entry, params))
    ]
    if by_change:
        found.sort(key=lambda entry: -guardian_items.last_modified(entry, now))
    if order == "oldest":
        found.reverse()
    elif order == "relevance" and wanted is not None:
        found.sort(
            key=lambda entry: (
                -5 * score(wanted, lambda _: entry.words("headline")) - score(wanted, entry.words)
            )
        )
    return Found(found, order)


def page_size(params: Params) -> int:
    """The wanted page size, 0 to 200."""
    text = params.get("page-size", str(PAGE_SIZE))
    if not text.isdecimal() or int(text) > MAX_PAGE_SIZE:
        raise Refusal(400, BAD_PAGE_SIZE)
    return int(text)


def page_envelope(simulator: Simulator, params: Params, found: Found) -> Item:
    """The answer of `/search` for the wanted page."""
    size = page_size(params)
    text = params.get("page", "1")
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(400, BAD_PAGE)
    page = int(text)
    if page > max(1, _pages(len(found.entries), size)):
        raise Refusal(400, BEYOND)
    start = (page - 1) * size
    return envelope(simulator, params, found, start, page)


def next_envelope(simulator: Simulator, params: Params, key: str, *, backwards: bool) -> Item:
    """The answer of `/content/{id}/next` and `/prev`: the items after or before one item in the same order."""
    found = find(simulator, params)
    size = page_size(params)
    keys = [entry.key for entry in found.entries]
    if key in keys:
        place = keys.index(key)
        start = max(0, place - size) if backwards else place + 1
        size = min(size, place) if backwards else size
    else:
        start = _place_of_lost(simulator, found, key)
    page = start // size + 1 if size else 1
    return envelope(simulator, {**params, "page-size": str(size)}, found, start, page)


def _place_of_lost(simulator: Simulator, found: Found, key: str) -> int:
    """Where an item stood that no longer matches (withdrawn meanwhile), by its date; 404 for one never seen."""
    lost = simulator.feeds.guardian.get(key, simulator.now())
    if lost is None:
        raise Refusal(404, NOT_FOUND)
    older = [
        number
        for number, entry in enumerate(found.entries)
        if (entry.at < lost.at) != (found.order == "oldest")
    ]
    return older[0] if older else len(found.entries)


def envelope(simulator: Simulator, params: Params, found: Found, start: int, page: int) -> Item:
    """One page of results in the Guardian's wrapper."""
    size, now = page_size(params), simulator.now()
    shown = found.entries[start : start + size]
    return {
        "status": "ok",
        "userTier": "developer",
        "total": len(found.entries),
        "startIndex": start + 1 if found.entries else 0,
        "pageSize": size,
        "currentPage": page,
        "pages": _pages(len(found.entries), size),
        "orderBy": found.order,
        "results": [guardian_items.shown(entry, params, now) for entry in shown],
    }


def _pages(total: int, size: int) -> int:
    return ceil(total / size) if size else 0


def _date(params: Params, name: str, *, end_of_day: bool = False) -> float | None:
    if not params.get(name):
        return None
    at = dates.parse(params[name], end_of_day=end_of_day)
    if at is None:
        raise Refusal(400, BAD_DATE)
    return at


def _between(at: float, start: float | None, end: float | None) -> bool:
    return (start is None or at >= start) and (end is None or at <= end)


def _places(entry: Entry) -> frozenset[str]:
    return frozenset({entry.item.get("sectionId", ""), *(tag["id"] for tag in guardian_items.tags(entry))})


def _filtered(entry: Entry, params: Params) -> bool:
    """The filters with the `,` `|` `-` algebra."""
    fields = entry.item.get("fields", {})
    values = {
        "section": frozenset({entry.item.get("sectionId", "")}),
        "tag": frozenset(tag["id"] for tag in guardian_items.tags(entry)),
        "type": frozenset({entry.item.get("type", "article")}),
        "production-office": frozenset({fields.get("productionOffice", "UK").lower()}),
        "lang": frozenset({fields.get("lang", "en")}),
        "star-rating": frozenset({fields.get("starRating", "")}),
    }
    ids = params.get("ids")
    if ids and entry.key not in {name.strip().strip("/") for name in ids.split(",")}:
        return False
    return all(guardian_filters.accepts(params[name], values[name]) for name in values if params.get(name))


def _matches(wanted: Node, entry: Entry, params: Params) -> bool:
    names = [QUERY_FIELDS[name] for name in params.get("query-fields", "").split(",") if name in QUERY_FIELDS]
    if not names:
        return matches(wanted, entry.words)
    return matches(wanted, lambda _: " | ".join(entry.words(name) for name in names))
