"""Who is asking: a signed-in user, a program with an API key, or nobody."""

from typing import Final, Literal

import msgspec
from litestar.types import Scope

How = Literal["cookie", "bearer", "key", "nobody"]
Role = Literal["user", "operator"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """how: what proved it; scopes: what it may do; session_id and key_id: what can be revoked."""

    how: How
    user_id: int | None = None
    role: Role = "user"
    scopes: frozenset[str] = frozenset()
    session_id: str | None = None
    key_id: int | None = None

    def may(self, scope: str) -> bool:
        """A session may do everything that its user may; a key only what it was made for."""
        return self.how in {"cookie", "bearer"} or scope in self.scopes


NOBODY: Final = Principal(how="nobody")
_NAME: Final = "newsintel.principal"


def role_of(roles: list[str]) -> Role:
    return "operator" if "operator" in roles else "user"


def remember(scope: Scope, principal: Principal) -> None:
    scope["state"][_NAME] = principal


def of(scope: Scope) -> Principal:
    """The Principal of a request, NOBODY before it was identified."""
    found: Principal = scope["state"].get(_NAME, NOBODY)
    return found
