"""How the Guardian shows one item: the fields, tags and section that were asked for, all field values as strings."""

import re

from deploy.local.upstreams import dates
from deploy.local.upstreams.feed import Entry, Item

LIVEBLOG_SLICE = 300
"""An open liveblog changes every five minutes."""
LIVEBLOG_OPEN = 8 * 3_600
_MARKUP = re.compile(r"<[^>]+>")


def shown(entry: Entry, params: dict[str, str], now: float, *, gone: bool = False) -> Item:
    """The item with the extras that `show-*` asks for and no others."""
    item = {name: value for name, value in entry.item.items() if name not in {"fields", "tags"}}
    if wanted := _names(params.get("show-fields", "")):
        fields = all_fields(entry, now)
        item["fields"] = (
            fields if "all" in wanted else {name: fields[name] for name in wanted if name in fields}
        )
    if wanted := _names(params.get("show-tags", "")):
        item["tags"] = [tag for tag in tags(entry) if "all" in wanted or tag["type"] in wanted]
    if params.get("show-section") == "true":
        item["section"] = section(entry)
    for extra in ("references", "elements"):
        if params.get(f"show-{extra}"):
            item[extra] = []
    if gone:
        item["isGone"] = True
    return item


def all_fields(entry: Entry, now: float) -> dict[str, str]:
    """Every field the item has, with those that follow from others."""
    fields: dict[str, str] = dict(entry.item.get("fields", {}))
    body = fields.get("body", "") + _live_updates(entry, now)
    text = re.sub(r"\s+", " ", _MARKUP.sub(" ", body)).strip()
    derived = {
        "headline": entry.item["webTitle"],
        "body": body,
        "bodyText": text,
        "wordcount": str(len(text.split())),
        "charCount": str(len(text)),
        "firstPublicationDate": entry.item["webPublicationDate"],
        "lastModified": dates.iso(last_modified(entry, now)),
        "liveBloggingNow": "true" if is_live(entry, now) else "false",
        "isLive": "true",
        "lang": "en",
    }
    return {**derived, **fields, "body": body, "lastModified": derived["lastModified"]}


def is_live(entry: Entry, now: float) -> bool:
    """Whether a liveblog is still being written."""
    return entry.item.get("type") == "liveblog" and now - entry.at < LIVEBLOG_OPEN


def last_modified(entry: Entry, now: float) -> float:
    """When the item changed last: an open liveblog has just changed."""
    if entry.item.get("type") == "liveblog":
        end = min(now, entry.at + LIVEBLOG_OPEN)
        return entry.at + (end - entry.at) // LIVEBLOG_SLICE * LIVEBLOG_SLICE
    stated = entry.item.get("fields", {}).get("lastModified", "")
    return dates.parse(stated) or entry.at


def _live_updates(entry: Entry, now: float) -> str:
    if not is_live(entry, now):
        return ""
    count = int((now - entry.at) // LIVEBLOG_SLICE)
    return "".join(
        f"<p>Update {number}: we are following this story as it happens.</p>"
        for number in range(1, count + 1)
    )


def tags(entry: Entry) -> list[Item]:
    """The item's tags; a captured item, which came without, has only its section's own tag."""
    known = entry.item.get("tags")
    if known:
        return list(known)
    section_id = entry.item.get("sectionId", "news")
    return [tag(f"{section_id}/{section_id}", str(entry.item.get("sectionName")), entry.item)]


def tag(tag_id: str, title: str, item: Item) -> Item:
    """One keyword in the Guardian's shape."""
    return {
        "id": tag_id,
        "type": "keyword",
        "sectionId": item.get("sectionId"),
        "sectionName": item.get("sectionName"),
        "webTitle": title,
        "webUrl": f"https://www.theguardian.com/{tag_id}",
        "apiUrl": f"https://content.guardianapis.com/{tag_id}",
        "references": [],
    }


def section(entry: Entry) -> Item:
    """The item's section in the Guardian's shape."""
    section_id = entry.item.get("sectionId", "")
    name = entry.item.get("sectionName", "")
    url, api = f"https://www.theguardian.com/{section_id}", f"https://content.guardianapis.com/{section_id}"
    edition = {"id": section_id, "webTitle": name, "webUrl": url, "apiUrl": api, "code": "default"}
    return {"id": section_id, "webTitle": name, "webUrl": url, "apiUrl": api, "editions": [edition]}


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
