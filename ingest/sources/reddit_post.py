"""One Reddit post and its fate: only live links to pages outside Reddit are news items."""

from typing import Final
from urllib.parse import urlsplit

import msgspec

from ingest.article import Discarded, Outcome, RawItem
from ingest.sources import decode

NAME: Final = "reddit"
DELETED: Final = "deleted"
_SITE: Final = "https://www.reddit.com"
_GONE: Final = frozenset({"[deleted]", "[removed]", "[deleted by user]", "[removed by reddit]"})
_MEDIA_HOSTS: Final = frozenset({"i.redd.it", "v.redd.it", "preview.redd.it", "i.reddituploads.com"})
_REDDIT_HOSTS: Final = frozenset(
    {"reddit.com", "www.reddit.com", "old.reddit.com", "new.reddit.com", "np.reddit.com", "redd.it"}
)


class _Name(msgspec.Struct):
    name: str | None = None


class _Named(msgspec.Struct):
    data: _Name


class _Child(msgspec.Struct):
    kind: str
    data: msgspec.Raw


class _Parent(msgspec.Struct):
    url: str | None = None


class _Post(msgspec.Struct):
    name: str | None = None
    title: str | None = None
    selftext: str | None = None
    url: str | None = None
    permalink: str | None = None
    subreddit_name_prefixed: str | None = None
    subreddit: str | None = None
    author: str | None = None
    created_utc: float | None = None
    edited: bool | float | None = None
    over_18: bool | None = None
    is_self: bool | None = None
    removed_by_category: str | None = None
    thumbnail: str | None = None
    crosspost_parent_list: list[_Parent] | None = None


def outcome(record: bytes) -> Outcome:
    """The fate of one child of a listing. Never raises."""

    def post(child: _Child) -> Outcome:
        if child.kind != "t3":
            return _discarded("not_a_post")
        return decode.record(NAME, child.data, _Post, lambda found: _understand(found, record))

    return decode.record(NAME, record, _Child, post)


def deleted_name(record: bytes) -> str | None:
    """The fullname of a post of which nothing may be kept; None for any other."""
    found = outcome(record)
    if not isinstance(found, Discarded) or found.reason != DELETED:
        return None
    return msgspec.json.decode(record, type=_Named).data.name


def _understand(post: _Post, original: bytes) -> Outcome:
    url = _linked(post)
    reason = _unwanted(post, url)
    if reason:
        return _discarded(reason)
    outlet = post.subreddit_name_prefixed or (f"r/{post.subreddit}" if post.subreddit else None)
    return RawItem(
        source=NAME,
        external_id=post.name,
        url=url,
        shown_at=f"{_SITE}{post.permalink}" if post.permalink else None,
        title=post.title,
        content=post.selftext or None,
        author=None if post.author in _GONE else post.author,
        source_name=outlet,
        image_url=_absolute(post.thumbnail),
        published_at=post.created_utc,
        modified_at=None if isinstance(post.edited, bool) else post.edited,
        original=bytes(original),
    )


def _linked(post: _Post) -> str | None:
    """The linked page; a crosspost's own URL may be a path on Reddit, then its parent's counts."""
    if post.url and post.url.startswith("/"):
        parents = post.crosspost_parent_list or []
        return next((parent.url for parent in parents if _absolute(parent.url)), post.url)
    return post.url


def _unwanted(post: _Post, url: str | None) -> str | None:
    """Why a post is not a news item. Deleted comes first: of such a post nothing may be kept."""
    if post.removed_by_category or _is_gone(post.title) or _is_gone(post.selftext):
        return DELETED
    if post.over_18:
        return "over_18"  # the archive is public and has no age gate
    if post.is_self:
        return "self_post"
    return _unwanted_link(url) if url else None


def _unwanted_link(url: str) -> str | None:
    if url.startswith("/"):
        return "crosspost"
    try:
        parts = urlsplit(url)
    except ValueError:
        return None  # the pipeline says what is wrong with it
    host = (parts.hostname or "").lower()
    if host in _MEDIA_HOSTS:
        return "reddit_media"
    if host in _REDDIT_HOSTS:
        return "reddit_media" if parts.path.startswith(("/gallery/", "/video/")) else "reddit_thread"
    return None


def _is_gone(text: str | None) -> bool:
    return text is not None and text.strip().lower().replace("[ ", "[").replace(" ]", "]") in _GONE


def _absolute(url: str | None) -> str | None:
    """Thumbnails may be words: self, default, nsfw, spoiler, image."""
    return url if url and url.startswith(("http://", "https://")) else None


def _discarded(reason: str) -> Discarded:
    return Discarded(source=NAME, reason=reason)
