"""Web addresses: the link that readers get, and the page that it names."""

import html
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

from ingest.pipeline.errors import UnusableError

# A btree entry holds 2,704 bytes; the few longer addresses seen anywhere are trackers and data URLs.
MAX_LENGTH = 2_000

# Parameters that say who sent the reader, never which page it is. Names that some outlet uses to pick the page
# (id, p, v, cid, story, article, newsID, page ...) must stay out of this list.
_TRACKING = re.compile(
    r"""utm_\w+ | at_\w+ | ns_\w+ | guce_\w+ | hsa_\w+ | mc_(cid|eid) | fb_\w+ | ga_\w+ | pk_\w+ | mtm_\w+ | _ga | _gl
    | fbclid | gclid | gclsrc | dclid | gbraid | wbraid | msclkid | yclid | twclid | ttclid | igshid | igsh
    | ocid | cmp | cmpid | ncid | mbid | s_cid | icid | xtor | spm | cvid | ito | taid | wt_mc | wt\.mc_id | ref
    | ref_src | ref_url | referrer | refsrc | smid | smtyp | sr_share | soc_src | soc_trk | tsrc | guccounter
    | partner | via | share | feature | intcmp | int_cmp | emc | mod | st | reflink | __twitter_impression
    | outputtype | amp | usqp | amp_js_v | amp_gsa | rss | __source | campaign_id | instance_id | segment_id
    | user_id""",
    re.VERBOSE,
)
# Other front doors of the same site.
_DOOR = re.compile(r"(?:www\d?|m|mobile|amp)\.(?=[^.]+\.)")
_INNER_DOOR = re.compile(r"(?<=\.)m\.(?=[^.]+\.[^.]+$)")  # en.m.wikipedia.org
_PAGE_TAIL = re.compile(r"(?:/+(?:amp|index\.(?:html?|php))|\.amp|[/;]+)$", re.IGNORECASE)
# AMP caches that show another site's page.
_AMP_CACHE = re.compile(
    r"^https?://(?:www\.google\.[a-z.]+/amp|[\w-]+\.cdn\.ampproject\.org/[cv])/(s/)?", re.IGNORECASE
)
_DEFAULT_PORT = {"http": 80, "https": 443}


class Location(NamedTuple):
    """link: what readers follow; page: the identity of what is there, without scheme, front door and AMP form."""

    link: str
    page: str


def locate(url: str | None) -> Location:
    """Tell link and page of an address. Raises UnusableError (bad_url)."""
    try:
        link = _link(_outermost(html.unescape(url or "").strip()))
    except ValueError as error:  # UnicodeError is one
        raise UnusableError("bad_url", f"not a web address: {error}") from None
    page = _page(link)
    if max(len(link), len(page)) > MAX_LENGTH:
        raise UnusableError("bad_url", f"the address has {len(link)} characters, {MAX_LENGTH} are allowed")
    return Location(link, page)


def web_link(url: str | None) -> str | None:
    """An image's address, if it is one: http(s) or without a scheme, not too long."""
    text = html.unescape(url or "").strip()
    if text.startswith("//"):
        text = f"https:{text}"
    try:
        return text if _is_web(text) and len(text) <= MAX_LENGTH else None
    except ValueError:
        return None


def _is_web(url: str) -> bool:
    parts = urlsplit(url)
    return (
        parts.scheme.lower() in _DEFAULT_PORT
        and bool(parts.hostname)
        and url.isprintable()
        and " " not in url
    )


def _outermost(url: str) -> str:
    cached = _AMP_CACHE.match(url)
    if not cached:
        return url
    return f"{'https' if cached.group(1) else 'http'}://{url[cached.end() :]}"


def _link(url: str) -> str:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").rstrip(".")
    if scheme not in _DEFAULT_PORT or not re.fullmatch(r"[^\s%<>\"\\^`{|}]+", host):
        raise ValueError("it needs http or https and a host")
    if ":" in host:
        host = f"[{host}]"
    if parts.port not in (None, _DEFAULT_PORT[scheme]):
        host = f"{host}:{parts.port}"
    bare = urlunsplit((scheme, host, parts.path, _kept(parts.query), ""))
    # Twice, because the first pass may make characters whose escapes the second one sorts differently.
    return str(canonicalize_url(canonicalize_url(bare)))


def _kept(query: str) -> str:
    """The query string without tracking."""
    if not query:
        return ""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(key, value) for key, value in pairs if not _TRACKING.fullmatch(key.lower())])


def _page(link: str) -> str:
    page = _stripped(link)
    # What is cut off makes another segment the last one, whose parameters (;) and dots are read in another way.
    while (";" in page or "/." in page) and (again := _stripped(canonicalize_url(f"https://{page}"))) != page:
        page = again
    return page


def _stripped(link: str) -> str:
    parts = urlsplit(link)
    host = parts.netloc
    while door := _DOOR.match(host):
        host = host[door.end() :]
    host = _INNER_DOOR.sub("", host)
    path = parts.path
    while path.startswith("/amp/"):
        path = path.removeprefix("/amp")
    while tail := _PAGE_TAIL.search(path):
        path = path[: tail.start()]
    return f"{host}{path}" + (f"?{parts.query}" if parts.query else "")
