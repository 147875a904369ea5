"""DeleteAccount: everything of a user goes, in PostgreSQL, in Redis and at Reddit."""

import contextlib
from typing import Any

import msgspec
import redis

from ingest.handlers import reddit_tokens
from ingest.handlers.revoked import announce, announce_sessions
from ingest.ports import Ports
from ingest.store import api_keys, audit, sessions, users
from shared import bus, keys
from shared.commands import DeleteAccount, Queue
from shared.events import AccountDeleted


def delete_account(command: DeleteAccount, ports: Ports, command_id: str) -> None:
    """Safe to repeat: there is nothing left to delete, and the answer is the same."""
    user_id = command.user_id
    # First, because afterwards nobody knows which sessions and keys there were.
    with ports.database.connection() as conn:
        sessions.end_all(conn, user_id, "everywhere", ports.clock())
        key_ids = api_keys.revoke_all(conn, user_id, ports.clock())
    announce_sessions(ports, user_id)
    announce(ports, map(keys.revoked_key, key_ids))
    with ports.database.connection() as conn, conn.transaction():
        users.lock(conn, user_id)  # before any weaker lock, or a write under way and we wait for each other
        reddit_tokens.give_up(conn, ports, user_id)
        if users.delete(conn, user_id):
            # That it happened, not to whom.
            audit.insert(conn, "account_deleted", ports.clock(), user_id=None, request_id=command.request_id)
    _forget(ports.redis, user_id)
    bus.answer(ports.redis, command_id, AccountDeleted())
    reddit_tokens.revoke_discarded(ports)


def _forget(client: redis.Redis, user_id: int) -> None:
    """What Redis holds under the user's name, and commands of the user that were given up."""
    for pattern in keys.of_user(user_id):
        for name in client.scan_iter(match=pattern, count=1000):
            client.delete(name)
    for queue in Queue:
        dead = f"{keys.QUEUE_NAMESPACE}:{queue}.XQ"
        for command_id, raw in client.hscan_iter(f"{dead}.msgs"):
            if _concerns(raw, user_id):
                client.zrem(dead, command_id)
                client.hdel(f"{dead}.msgs", command_id)


def _concerns(raw: bytes, user_id: int) -> bool:
    with contextlib.suppress(msgspec.DecodeError):
        message: dict[str, Any] = msgspec.json.decode(raw)
        return any(_names(argument, user_id) for argument in message.get("args", ()))
    return False


def _names(payload: Any, user_id: int) -> bool:
    """Whether a command, or one of the searches in it, is of this user."""
    if not isinstance(payload, dict):
        return False
    parts = [payload, *payload.get("searches", ())]
    return any(isinstance(part, dict) and part.get("user_id") == user_id for part in parts)
