"""Whether a write that a browser's cookie vouches for was meant by the person in front of it."""

import hmac
from collections.abc import Mapping
from typing import Final

from api.auth.tokens import Keyring

HEADER: Final = "x-csrf-token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PURPOSE: Final = "csrf"
# "none" is a person's own act (address bar, bookmark), which sends no write.
_OWN_SITE: Final = "same-origin"


class CrossSiteError(Exception):
    """Another site's page may have sent this."""


class Csrf:
    """Three walls: what the browser says of the origin, the Origin header, and a token bound to the session."""

    def __init__(self, keys: Keyring, origin: str) -> None:
        self._keys = keys
        self._origin = origin

    def token(self, session_id: str) -> str:
        """Made from the session, so that a planted cookie is of no use to who planted it."""
        return self._keys.derived(_PURPOSE, session_id)[0]

    def check(self, headers: Mapping[str, str], session_id: str) -> None:
        """Raises CrossSiteError."""
        site = headers.get("sec-fetch-site")
        if site is not None and site != _OWN_SITE:
            raise CrossSiteError(f"the browser says it comes from a {site} page")
        origin = headers.get("origin")
        if origin is not None and origin != self._origin:
            raise CrossSiteError("it comes from another origin")
        given = headers.get(HEADER, "")
        valid = self._keys.derived(_PURPOSE, session_id)
        if not any(hmac.compare_digest(given.encode(), each.encode()) for each in valid):
            raise CrossSiteError("the X-CSRF-Token header does not belong to this session")
