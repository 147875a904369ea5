"""Roles, given and taken from the command line."""

from ingest.handlers.revoked import announce, announce_sessions
from ingest.ports import Ports
from ingest.store import api_keys, audit, sessions, users
from shared import keys

# What only an operator's key may have.
OPERATE = "operate"


def grant(ports: Ports, user_id: int, role: str, requested_by: str) -> bool:
    """Takes effect with the user's next access token. False when the user has the role."""
    with ports.database.connection() as conn, conn.transaction():
        added = users.add_role(conn, user_id, role)
        if added:
            audit.insert(
                conn, "role_granted", ports.clock(), user_id=user_id, role=role, requested_by=requested_by
            )
    return added


def revoke(ports: Ports, user_id: int, role: str, requested_by: str) -> bool:
    """Takes effect at once: the user's sessions end, and keys that rest on the role. False when there was no role."""
    at = ports.clock()
    with ports.database.connection() as conn, conn.transaction():
        removed = users.remove_role(conn, user_id, role)
        if removed:
            audit.insert(conn, "role_revoked", at, user_id=user_id, role=role, requested_by=requested_by)
            sessions.end_all(conn, user_id, "role_revoked", at)
        dead = api_keys.revoke_scope(conn, user_id, OPERATE, at) if role == "operator" else []
    announce_sessions(ports, user_id)
    announce(ports, map(keys.revoked_key, dead))
    return removed
