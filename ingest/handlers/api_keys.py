"""CreateKey, RevokeKey, TouchKeys."""

from ingest.handlers.once import once, tell
from ingest.handlers.revoked import announce
from ingest.ports import Connection, Ports
from ingest.store import api_keys, audit, users
from shared import keys
from shared.commands import CreateKey, RevokeKey, TouchKeys
from shared.errors import RefusedError
from shared.events import KeyCreated, Refusal, Removed

MAX_KEYS = 20


def create_key(command: CreateKey, ports: Ports, command_id: str) -> None:
    tell(ports, command_id, once(command, ports, lambda conn: _create(conn, command, ports)))


def _create(conn: Connection, command: CreateKey, ports: Ports) -> KeyCreated:
    user_id, at = command.user_id, ports.clock()
    roles = users.lock_roles(conn, user_id)
    if "operate" in command.scopes and "operator" not in roles:
        raise RefusedError(Refusal.ROLE_MISSING)
    if api_keys.count_valid(conn, user_id, at) >= MAX_KEYS:
        raise RefusedError(Refusal.TOO_MANY)
    scopes: list[str] = sorted(set(command.scopes))
    key_id = api_keys.insert(
        conn,
        user_id,
        name=command.name,
        prefix=command.prefix,
        key_hash=bytes.fromhex(command.key_hash),
        scopes=scopes,
        at=at,
        expires_at=command.expires_at,
    )
    if key_id is None:
        raise RefusedError(Refusal.KEY_EXISTS)
    audit.insert(
        conn, "key_created", at, user_id=user_id, request_id=command.request_id, key_id=key_id, scopes=scopes
    )
    return KeyCreated(key_id=key_id, prefix=command.prefix)


def revoke_key(command: RevokeKey, ports: Ports, command_id: str) -> None:
    settled = once(command, ports, lambda conn: _revoke(conn, command, ports))
    if settled.error is None:
        announce(ports, [keys.revoked_key(command.key_id)])
    tell(ports, command_id, settled)


def _revoke(conn: Connection, command: RevokeKey, ports: Ports) -> Removed:
    at = ports.clock()
    if api_keys.revoke(conn, command.key_id, at, user_id=command.user_id) is None:
        raise RefusedError(Refusal.NOT_FOUND)
    audit.insert(
        conn, "key_revoked", at, user_id=command.user_id, request_id=command.request_id, key_id=command.key_id
    )
    return Removed(count=1)


def touch_keys(command: TouchKeys, ports: Ports, _command_id: str) -> None:
    """Each key's first use of a day goes into the audit log."""
    with ports.database.connection() as conn, conn.transaction():
        for key_id, user_id in api_keys.touch(conn, command.uses):
            audit.insert(conn, "key_used", ports.clock(), user_id=user_id, key_id=key_id)
