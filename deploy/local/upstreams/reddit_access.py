"""Who gets past Reddit's door: proper User-Agents, Basic credentials of apps, bearer tokens with the right scope."""

import base64
import binascii
import re
from collections.abc import Mapping

from deploy.local.upstreams import answers, consent
from deploy.local.upstreams.accounts import REDDIT_APPS, RedditApp
from deploy.local.upstreams.answers import Answer
from deploy.local.upstreams.reddit_tokens import Access
from deploy.local.upstreams.state import Simulator

Params = Mapping[str, str]

_DEFAULT_AGENT = re.compile(
    r"(python-(httpx|requests|urllib)|httpx|aiohttp|curl|wget|go-http-client|java|okhttp|node-fetch|axios|libwww-perl)"
    r"\b",
    re.IGNORECASE,
)


def blocked(headers: Params) -> bool:
    """Whether the User-Agent is missing or that of a library."""
    agent = headers.get("user-agent", "").strip()
    return not agent or _DEFAULT_AGENT.match(agent) is not None


def block() -> Answer:
    """The network-security page."""
    return answers.html(consent.blocked_page(), 403)


def app_of(headers: Params) -> RedditApp | None:
    """The client that HTTP Basic credentials name, if they are right."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    app = REDDIT_APPS.get(client_id)
    return app if app is not None and app.secret == secret else None


def access_of(simulator: Simulator, headers: Params) -> Access | None:
    """What the bearer token stands for, if it is valid."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return simulator.tokens.access(token.strip(), simulator.now()) if scheme.lower() == "bearer" else None


def unauthorized(realm: str = 'Bearer realm="reddit", error="invalid_token"') -> Answer:
    """401 with the header that says what is missing."""
    return answers.json({"message": "Unauthorized", "error": 401}, 401, {"www-authenticate": realm})


def insufficient_scope() -> Answer:
    """403 for a valid token that may not do this."""
    realm = 'Bearer realm="reddit", error="insufficient_scope"'
    return answers.json({"message": "Forbidden", "error": 403}, 403, {"www-authenticate": realm})
