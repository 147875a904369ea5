"""What Reddit tells about a person who signs in, and the tokens that it gives for that."""

from datetime import datetime
from typing import Protocol

import msgspec


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a person's consent gave. refresh_token None: consent for one access token only. Never logged."""

    access_token: str
    refresh_token: str | None
    expires_at: datetime
    scope: str

    def __repr__(self) -> str:
        return f"Tokens(expires_at={self.expires_at}, scope={self.scope!r})"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who consented. id: Reddit's, without prefix."""

    id: str
    name: str
    suspended: bool


class Identity(Protocol):
    """Port: Reddit's sign-in. Every method raises a shared.errors.SourceError, or redis.RedisError."""

    def exchange(self, code: str, redirect_uri: str) -> Tokens:
        """Redeem a code, once. Raises GrantRefusedError when it is not (or no longer) good."""
        ...

    def refresh(self, tokens: Tokens) -> Tokens:
        """New tokens for old ones. Raises GrantRefusedError when the person withdrew the consent."""
        ...

    def person(self, access_token: str) -> Person:
        """Who the token stands for. Raises GrantRefusedError when it is not good any more."""
        ...

    def revoke(self, token: str) -> None:
        """End a token; a refresh token ends with all its access tokens. An unknown one is no error."""
        ...
