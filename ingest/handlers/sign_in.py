"""ExchangeCode: Reddit's code becomes a user with a session."""

from datetime import timedelta

import structlog

from ingest.handlers import reddit_tokens
from ingest.identity import Person, Tokens
from ingest.ports import Connection, Ports
from ingest.store import audit, sessions, users
from shared import bus
from shared.commands import ExchangeCode
from shared.errors import GrantRefusedError, NotConfiguredError, RefusedError, SourceError
from shared.events import Refusal, SignedIn

_log = structlog.get_logger("people")


def exchange_code(command: ExchangeCode, ports: Ports, command_id: str) -> None:
    """A command that comes twice finds its session; the code itself is good once."""
    try:
        signed_in = _begun(command, ports) or _sign_in(command, ports, command_id)
    except RefusedError as error:
        ports.metrics.count("sign_in_refused", reason=error.code)
        bus.answer(ports.redis, command_id, None, error=error.code)
    else:
        bus.answer(ports.redis, command_id, signed_in)
    reddit_tokens.revoke_discarded(ports)


def _begun(command: ExchangeCode, ports: Ports) -> SignedIn | None:
    with ports.database.connection() as conn:
        session = sessions.get(conn, command.session_id)
    if session is None:
        return None
    return SignedIn(session_id=session.id, expires_at=session.expires_at)


def _sign_in(command: ExchangeCode, ports: Ports, command_id: str) -> SignedIn:
    if not ports.seal.ready:
        _log.error("sign_in_not_configured", missing="NEWSINTEL_SEAL_KEYS")
        raise RefusedError(Refusal.NOT_CONFIGURED)
    try:
        tokens = ports.identity.exchange(command.code, command.redirect_uri)
    except SourceError as error:
        raise _refusal(error) from None
    person = _identify(ports, tokens)
    with ports.database.connection() as conn, conn.transaction():
        return _store(conn, command, ports, command_id, person, tokens)


def _identify(ports: Ports, tokens: Tokens) -> Person:
    """Who it is; tokens of whom we do not let in are ended."""
    refused: RefusedError
    try:
        person = ports.identity.person(tokens.access_token)
        if not person.suspended:
            return person
        refused = RefusedError(Refusal.ACCOUNT_SUSPENDED)
    except SourceError as error:
        refused = _refusal(error)
    with ports.database.connection() as conn:
        reddit_tokens.discard(conn, ports, tokens)
    raise refused


def _store(
    conn: Connection,
    command: ExchangeCode,
    ports: Ports,
    command_id: str,
    person: Person,
    tokens: Tokens,
) -> SignedIn:
    at = ports.clock()
    expires_at = at + timedelta(days=ports.settings.session_days)
    user_id, new, previous = users.sign_in(conn, person.id, person.name, at)
    if previous is not None:
        reddit_tokens.discard_sealed(conn, ports, user_id, previous)
    reddit_tokens.keep(conn, ports, user_id, tokens)
    sessions.begin(
        conn,
        command.session_id,
        user_id=user_id,
        device=command.device,
        address_hash=command.address_hash,
        at=at,
        expires_at=expires_at,
    )
    sessions.add_token(conn, command.session_id, bytes.fromhex(command.refresh_hash), command_id, at)
    audit.insert(conn, "signed_in", at, user_id=user_id, request_id=command.request_id, new=new)
    return SignedIn(session_id=command.session_id, expires_at=expires_at)


def _refusal(error: SourceError) -> RefusedError:
    _log.warning("sign_in_failed", code=error.code, reason=error.message)
    if isinstance(error, GrantRefusedError):
        return RefusedError(Refusal.CODE_REFUSED)
    if isinstance(error, NotConfiguredError):
        return RefusedError(Refusal.NOT_CONFIGURED)
    return RefusedError(Refusal.REDDIT_UNAVAILABLE)
