"""Tells every api process, after the commit, what it must not believe in any more."""

from collections.abc import Iterable
from datetime import timedelta

from ingest.ports import Ports
from ingest.store import sessions
from shared import keys


def announce(ports: Ports, members: Iterable[str]) -> None:
    """members: keys.revoked_session or keys.revoked_key. Safe to repeat. Raises redis.RedisError: then try again."""
    now = ports.clock()
    until = keys.revoked_until(now.timestamp(), ports.settings.access_seconds)
    members = list(members)
    if not members:
        return
    with ports.redis.pipeline(transaction=True) as together:
        together.zremrangebyscore(keys.REVOKED, "-inf", now.timestamp())
        together.zadd(keys.REVOKED, dict.fromkeys(members, until))
        for member in members:
            together.publish(keys.REVOCATIONS, member)
        together.execute()


def announce_sessions(ports: Ports, user_id: int) -> None:
    """Announce all sessions of the user that ended within an access token's lifetime."""
    since = ports.clock() - timedelta(seconds=ports.settings.access_seconds)
    with ports.database.connection() as conn:
        ended = sessions.ended_since(conn, user_id, since)
    announce(ports, map(keys.revoked_session, ended))
