"""Once a day, while a session is in use: does Reddit still know this person, and does the person still let us in?"""

from datetime import timedelta

import structlog

from ingest.handlers import reddit_tokens
from ingest.handlers.revoked import announce_sessions
from ingest.ports import Ports
from ingest.seal import SealError
from ingest.store import audit, sessions, users
from ingest.store.sessions import Session
from shared.errors import GrantRefusedError, SourceError

# An account that was suspended or took its consent back is signed out within a day; two calls a day and user.
EVERY = timedelta(days=1)

_log = structlog.get_logger("people")


def check_identity(ports: Ports, session: Session) -> None:
    """Sign the person out everywhere when the answer is no; when Reddit is away, ask again at the next refresh."""
    if ports.clock() - session.identity_checked_at < EVERY:
        return
    try:
        welcome = _ask(ports, session.user_id)
    except GrantRefusedError:
        welcome = False
    except (SourceError, SealError) as error:
        _log.warning("identity_not_checked", error=str(error))
        return
    if not welcome:
        _sign_out(ports, session.user_id)


def _ask(ports: Ports, user_id: int) -> bool:
    with ports.database.connection() as conn:
        with conn.transaction():
            token = reddit_tokens.bearer(conn, ports, user_id)
        if token is None:
            return True  # nothing to ask with
        person = ports.identity.person(token)
        users.identified(conn, user_id, person.name, ports.clock())
    return not person.suspended


def _sign_out(ports: Ports, user_id: int) -> None:
    at = ports.clock()
    with ports.database.connection() as conn, conn.transaction():
        sessions.end_all(conn, user_id, "access_withdrawn", at)
        reddit_tokens.give_up(conn, ports, user_id)
        audit.insert(conn, "access_withdrawn", at, user_id=user_id)
    announce_sessions(ports, user_id)
    reddit_tokens.revoke_discarded(ports)
