"""TidyPeople: tell Reddit what it has not been told yet, and drop what is past its time."""

from datetime import timedelta

from ingest.handlers import reddit_tokens
from ingest.ports import Ports
from ingest.store import audit, idempotency, sessions
from shared.commands import TidyPeople

# A client that repeats a request does so within minutes; a day is what others promise.
ANSWERS = timedelta(days=1)
# A stolen refresh token that turns up later than this is refused, too, only without ending the session.
USED_TOKENS = timedelta(days=7)
SESSIONS = timedelta(days=30)
AUDIT = timedelta(days=365)


def tidy_people(_command: TidyPeople, ports: Ports, _command_id: str) -> None:
    at = ports.clock()
    with ports.database.connection() as conn:
        dropped = {
            "answers": idempotency.drop_before(conn, at - ANSWERS),
            "refresh_tokens": sessions.drop_tokens_before(conn, at - USED_TOKENS),
            "sessions": sessions.drop_before(conn, at - SESSIONS),
            "audit": audit.drop_before(conn, at - AUDIT),
        }
    for what, count in dropped.items():
        ports.metrics.count("tidied", count, what=what)
    reddit_tokens.revoke_discarded(ports)
