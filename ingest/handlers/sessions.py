"""RefreshSession, EndSession."""

from datetime import timedelta

from ingest.handlers import reddit_tokens
from ingest.handlers.check_identity import check_identity
from ingest.handlers.once import once, tell
from ingest.handlers.revoked import announce, announce_sessions
from ingest.ports import Connection, Ports
from ingest.store import audit, sessions
from ingest.store.sessions import RefreshToken, Session
from shared import bus, keys
from shared.commands import EndSession, RefreshSession
from shared.errors import RefusedError
from shared.events import Refusal, SessionRefreshed, SessionsEnded

# Tabs of one browser that wake up together present the same token, and so does a program whose answer came too late;
# later than this it was stolen.
LEEWAY = timedelta(seconds=30)


def refresh_session(command: RefreshSession, ports: Ports, command_id: str) -> None:
    """Rotate the refresh token; one that comes back ends the session."""
    with ports.database.connection() as conn, conn.transaction():
        session = sessions.lock(conn, command.session_id)
        outcome = _rotate(conn, command, ports, command_id, session)
    if isinstance(outcome, SessionRefreshed):
        bus.answer(ports.redis, command_id, outcome)
        if session is not None:
            check_identity(ports, session)
        return
    if session is not None and (session.ended_at or outcome is Refusal.TOKEN_REUSED):
        announce(ports, [keys.revoked_session(session.id)])
    bus.answer(ports.redis, command_id, None, error=outcome)


def _rotate(
    conn: Connection, command: RefreshSession, ports: Ports, command_id: str, session: Session | None
) -> SessionRefreshed | Refusal:
    at = ports.clock()
    presented, new = bytes.fromhex(command.presented_hash), bytes.fromhex(command.new_hash)
    token = sessions.token(conn, command.session_id, presented)
    if session is None or token is None or session.ended_at or session.expires_at <= at:
        return Refusal.SESSION_ENDED
    if token.used_at is None:
        expires_at = at + timedelta(days=ports.settings.session_days)
        sessions.use_token(conn, session.id, presented, new, at, expires_at)
        sessions.add_token(conn, session.id, new, command_id, at)
        return SessionRefreshed(session_id=session.id, expires_at=expires_at)
    if token.replaced_by == new:
        successor = sessions.token(conn, session.id, new)
        if successor is not None and _same_moment(token, successor, command_id, ports):
            return SessionRefreshed(session_id=session.id, expires_at=session.expires_at)
    sessions.end(conn, session.id, "token_reused", at)
    audit.insert(conn, "token_reused", at, user_id=session.user_id, request_id=command.request_id)
    ports.metrics.count("token_reused")
    return Refusal.TOKEN_REUSED


def _same_moment(token: RefreshToken, successor: RefreshToken, command_id: str, ports: Ports) -> bool:
    """Whether a used token comes from the request that used it: delivered again, or beside it."""
    if successor.made_by == command_id:
        return True
    lately = token.used_at is not None and ports.clock() - token.used_at <= LEEWAY
    return lately and successor.used_at is None


def end_session(command: EndSession, ports: Ports, command_id: str) -> None:
    """Sign out here or everywhere."""
    settled = once(command, ports, lambda conn: _end(conn, command, ports))
    if settled.error is None:
        announce_sessions(ports, command.user_id)
    tell(ports, command_id, settled)
    if command.everywhere:
        reddit_tokens.revoke_discarded(ports)


def _end(conn: Connection, command: EndSession, ports: Ports) -> SessionsEnded:
    user_id, at = command.user_id, ports.clock()
    if command.everywhere:
        count = sessions.end_all(conn, user_id, "everywhere", at)
        reddit_tokens.give_up(conn, ports, user_id)
    else:
        assert command.session_id is not None  # noqa: S101 - the command says so
        session = sessions.lock(conn, command.session_id)
        if session is None or session.user_id != user_id:
            raise RefusedError(Refusal.NOT_FOUND)
        count = sessions.end(conn, session.id, "signed_out", at)
    audit.insert(
        conn, "signed_out", at, user_id=user_id, request_id=command.request_id, everywhere=command.everywhere
    )
    return SessionsEnded(count=count)
