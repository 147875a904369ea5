"""JSON Feed 1.1."""

from typing import Any

import msgspec

from api.formats.page import Page, web_address
from api.queries.articles import Article

_VERSION = "https://jsonfeed.org/version/1.1"


def render(page: Page) -> bytes:
    feed: dict[str, Any] = {
        "version": _VERSION,
        "title": page.title,
        "home_page_url": page.home,
        "feed_url": page.url,
        "items": [_item(article) for article in page.articles],
    }
    if page.next_url:
        feed["next_url"] = page.next_url
    return msgspec.json.encode(feed)


def _item(article: Article) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": f"urn:newsintel:article:{article.id}",
        "url": web_address(article.url),
        "title": article.title,
        # An item must have a text.
        "content_text": article.content or article.description or article.title,
        "summary": article.description,
        "image": web_address(article.image_url),
        "date_published": article.published_at,
        "authors": [{"name": article.author or article.source_name}],
        "tags": [article.sentiment.label] if article.sentiment.label else None,
        "language": article.language,
        # Extensions begin with an underscore.
        "_newsintel": {
            "source": article.source,
            "source_name": article.source_name,
            "story_id": article.story_id,
            "also_in": article.also_in,
            "sentiment": article.sentiment,
        },
    }
    return {name: value for name, value in item.items() if value is not None}
