"""From an item in a source's own shape to an entry of its feed: its key, its date, its words, its language."""

from collections import Counter
from typing import Any

import msgspec

from deploy.local.upstreams import dates
from deploy.local.upstreams.feed import Entry, Item

_COMMON_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to in is for on with as at by from that after says his how what why new over",
        "de": "der die das und ist nicht ein eine mit für auf dem den von zu im sich auch nach wie über bei",
        "fr": "la le les des et un une du en dans pour qui que sur au avec pas est aux par ce ne",
        "es": "el la los las de y en un una que por con para del se su al es no lo más",
        "it": "il lo gli di che e un una per con del della è non si da nel alla sono come più",
        "pt": "o os as de que e um uma do da em para com não no na dos por mais é ao",
        "nl": "de het een en van in is op te dat met voor niet zijn aan door naar ook bij om",
        "sv": "och att det som en på är av för med den till inte har de ett om från",
        "no": "og i det på som en er til av for at med de han har ikke om et fra",
    }.items()
}
_SCRIPTS = (
    ("hi", "\u0900", "\u097f"),
    ("ar", "\u0600", "\u06ff"),
    ("ru", "\u0400", "\u04ff"),
    ("he", "\u0590", "\u05ff"),
    ("zh", "\u4e00", "\u9fff"),
)


def newsapi_entry(item: Item, facets: dict[str, str] | None = None) -> Entry:
    """An article of NewsAPI; its address is its key."""
    texts = {name: item.get(name) or "" for name in ("title", "description", "content")}
    known = {"source": item["source"]["id"] or "", **(facets or {})}
    if "language" not in known:
        known["language"] = guessed_language(f"{texts['title']} {texts['description']}")
    return Entry(item["url"], _at(item["publishedAt"]), item, texts, known)


def guardian_entry(item: Item) -> Entry:
    """An item of the Guardian; its id is its key."""
    fields = item.get("fields", {})
    texts = {
        "headline": f"{item['webTitle']} {fields.get('headline', '')}",
        "trail": fields.get("trailText", ""),
        "body": fields.get("body", ""),
        "byline": fields.get("byline", ""),
    }
    return Entry(item["id"], _at(item["webPublicationDate"]), item, texts)


def reddit_entry(item: Item) -> Entry:
    """A post of Reddit; its fullname is its key."""
    texts = {
        "title": item["title"],
        "selftext": item.get("selftext") or "",
        "subreddit": item["subreddit"],
        "author": item.get("author") or "",
        "site": item.get("domain") or "",
        "url": item.get("url") or "",
        "flair": item.get("link_flair_text") or "",
    }
    return Entry(item["name"], float(item["created_utc"]), item, texts)


ENTRY_OF: dict[str, Any] = {"newsapi": newsapi_entry, "guardian": guardian_entry, "reddit": reddit_entry}


def _at(text: str) -> float:
    at = dates.parse(text)
    if at is None:
        raise msgspec.ValidationError(f"not a date: {text!r}")
    return at


def guessed_language(text: str) -> str:
    """The language by script, or by its commonest words; English when in doubt."""
    for language, first, last in _SCRIPTS:
        if sum(first <= letter <= last for letter in text) * 3 > len(text.replace(" ", "")):
            return language
    words = text.lower().split()
    counts = Counter(
        {language: sum(word in common for word in words) for language, common in _COMMON_WORDS.items()}
    )
    language, count = counts.most_common(1)[0]
    return language if count > counts["en"] else "en"
