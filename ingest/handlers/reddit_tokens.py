"""A user's Reddit tokens: sealed in the row, refreshed before they run out, told to Reddit when they must end."""

from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import structlog

from ingest.identity import Tokens
from ingest.ports import Connection, Ports
from ingest.seal import SealError
from ingest.store import revocations, users
from ingest.store.revocations import Revocation
from shared.errors import SourceError

# A call that begins with a token must end before the token does.
MARGIN = timedelta(seconds=60)

_log = structlog.get_logger("people")


def keep(conn: Connection, ports: Ports, user_id: int, tokens: Tokens) -> None:
    """Seal and store them."""
    sealed = ports.seal.close(msgspec.json.encode(tokens), owner(user_id))
    users.put_tokens(conn, user_id, sealed, tokens.expires_at, tokens.scope)


def bearer(conn: Connection, ports: Ports, user_id: int) -> str | None:
    """An access token that is good for a minute at least; None when the user has none that could be renewed.

    Within a transaction: where a refresh ends the token that it was made with, only one worker may make it. Raises a
    SourceError (GrantRefusedError: the person withdrew the consent), or SealError.
    """
    row = users.lock_tokens(conn, user_id)
    if row is None:
        return None
    tokens = _open(ports, row.reddit_tokens, user_id)
    if tokens.expires_at > ports.clock() + MARGIN:
        if ports.seal.stale(row.reddit_tokens):
            keep(conn, ports, user_id, tokens)
        return tokens.access_token
    if tokens.refresh_token is None:
        return None
    renewed = ports.identity.refresh(tokens)
    keep(conn, ports, user_id, renewed)
    return renewed.access_token


def give_up(conn: Connection, ports: Ports, user_id: int) -> None:
    """The user has no tokens any more; Reddit will be told."""
    row = users.lock_tokens(conn, user_id)
    if row is not None:
        discard_sealed(conn, ports, user_id, row.reddit_tokens)
        users.put_tokens(conn, user_id, None, None, None)


def discard_sealed(conn: Connection, ports: Ports, user_id: int, sealed: bytes) -> None:
    """Have Reddit end the tokens that were stored for this user."""
    try:
        discard(conn, ports, _open(ports, sealed, user_id))
    except SealError as error:
        # Without its key nobody can use the token either.
        ports.metrics.count("token_lost")
        _log.error("token_lost", error=str(error))


def discard(conn: Connection, ports: Ports, tokens: Tokens) -> None:
    """Have Reddit end these tokens; a refresh token takes its access tokens along."""
    token = (tokens.refresh_token or tokens.access_token).encode()
    name = uuid4()
    sealed = ports.seal.close(token, revocation_owner(name))
    revocations.insert(conn, Revocation(id=name, token=sealed), ports.clock())


def revoke_discarded(ports: Ports) -> None:
    """Tell Reddit. Stops when Reddit is away or will not have us: TidyPeople comes back to it."""
    after: UUID | None = None
    with ports.database.connection() as conn:
        while True:
            try:
                with conn.transaction():
                    pending = revocations.take(conn, after)
                    if pending is None:
                        return
                    after = pending.id
                    _revoke(conn, ports, pending)
            except SourceError as error:
                ports.metrics.count("revocation_failed", outcome=error.code)
                _log.warning("revocation_failed", code=error.code, reason=error.message)
                return


def _revoke(conn: Connection, ports: Ports, pending: Revocation) -> None:
    try:
        token = ports.seal.open(pending.token, revocation_owner(pending.id)).decode()
    except SealError as error:
        # It stays: the key may have been left out by mistake.
        ports.metrics.count("revocation_failed", outcome="sealed")
        _log.error("revocation_failed", code="sealed", reason=str(error))
        return
    ports.identity.revoke(token)
    revocations.delete(conn, pending.id)


def owner(user_id: int) -> str:
    """Whom a user's tokens are sealed for."""
    return f"user:{user_id}:tokens"


def revocation_owner(name: UUID) -> str:
    """Whom a discarded token is sealed for."""
    return f"revocation:{name}"


def _open(ports: Ports, sealed: bytes, user_id: int) -> Tokens:
    return msgspec.json.decode(ports.seal.open(sealed, owner(user_id)), type=Tokens)
