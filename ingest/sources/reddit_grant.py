"""What Reddit answers where it gives tokens, to a program as to a person, and to a client that it will not have."""

from datetime import datetime
from http import HTTPStatus

import msgspec

from ingest.sources import decode
from ingest.sources.http import Answer, raise_for_overload
from ingest.sources.reddit_post import NAME
from shared.errors import BadAnswerError, KeyRefusedError


class Grant(msgspec.Struct):
    """Reddit reports most failures in a 200."""

    access_token: str = ""
    refresh_token: str | None = None
    expires_in: int = 0
    scope: str = ""
    error: str | int | None = None
    error_description: str = ""


def raise_for_client(answer: Answer, now: datetime) -> None:
    """Raises SourceError when it is about who asks, or how often."""
    raise_for_overload(NAME, answer, now)
    if answer.status == HTTPStatus.FORBIDDEN and answer.is_html():
        raise blocked()
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise KeyRefusedError(NAME, "it does not know this client id and secret")


def raise_for_no_token(answer: Answer, grant: Grant) -> None:
    """Raises KeyRefusedError or BadAnswerError."""
    if grant.error is not None:
        said = decode.shortened(f"{grant.error} {grant.error_description}".strip())
        raise KeyRefusedError(NAME, f"it gives this client no token: {said}")
    if answer.status != HTTPStatus.OK or not grant.access_token:
        raise BadAnswerError(NAME, f"it answered {answer.status} without a token")


def blocked() -> KeyRefusedError:
    """The HTML 403 is about who asks and from where, not about the token."""
    return KeyRefusedError(
        NAME,
        "blocked by Reddit's network security: check the User-Agent and the address that calls come from",
    )
