"""Who may come in: guards that a route names."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from api.auth import principal
from api.auth.principal import Principal
from api.refusals import Refusal

Connection = ASGIConnection[Any, Any, Any, Any]
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="newsintel"'}


def signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """A user, by whatever means."""
    if principal.of(connection.scope).user_id is None:
        raise _nobody()


def session_only(connection: Connection, handler: BaseRouteHandler) -> None:
    """Not with an API key: keys make no keys, and end no account."""
    signed_in(connection, handler)
    if principal.of(connection.scope).how == "key":
        raise Refusal("scope_missing", "No API key may do this; sign in instead.")


def scope(name: str) -> Guard:
    """A user whose API key, if that is how they come, was made for this."""

    def guard(connection: Connection, _: BaseRouteHandler) -> None:
        require(connection, name)

    return guard


def require(connection: Connection, name: str) -> None:
    """Raises Refusal unless a user asks who may do this."""
    asking = principal.of(connection.scope)
    if asking.user_id is None:
        raise _nobody()
    if not asking.may(name):
        raise Refusal("scope_missing", f"The API key lacks the scope {name}.")


def reading(connection: Connection, _: BaseRouteHandler) -> None:
    """The archive is open to all; a key without the scope `read` is refused all the same."""
    if not may_read(principal.of(connection.scope)):
        raise Refusal("scope_missing", "The API key lacks the scope read.")


def may_read(asking: Principal) -> bool:
    return asking.how != "key" or asking.may("read")


def _nobody() -> Refusal:
    return Refusal("not_signed_in", "This address is for signed-in users.", _CHALLENGE)


async def operator(connection: Connection, _: BaseRouteHandler) -> None:
    """An operator as the database knows it now; a role that was taken away ends before the token does."""
    require(connection, "operate")
    roles = await connection.app.state.deps.people.roles(principal.of(connection.scope).user_id)
    if "operator" not in roles:
        raise Refusal("operators_only", "This address is for operators.")
