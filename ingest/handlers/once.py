"""A user's write, carried out once: its effect and its answer are stored together, then the answer goes out.

    claim the key ──▶ effect ──▶ store the answer ──▶ commit ──▶ tell
         └── claimed before: the stored answer, or idempotency_mismatch for another request

A worker that is killed after the commit leaves the answer to whoever gets the command next.
"""

import hashlib
from collections.abc import Callable

import msgspec

from ingest.ports import Connection, Ports
from ingest.store import idempotency
from shared import bus
from shared.commands import Write
from shared.errors import RefusedError
from shared.events import Refusal

# Decides before it writes: what it wrote before a RefusedError would stay.
Effect = Callable[[Connection], msgspec.Struct]


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How a write ended: with an answer (JSON) or an error."""

    answer: bytes | None = None
    error: str | None = None


def once(command: Write, ports: Ports, effect: Effect) -> Settled:
    """Carry it out unless it was carried out before; committed when this returns."""
    user_id, key, digest = command.user_id, command.idempotency_key, request_digest(command)
    with ports.database.connection() as conn:
        try:
            with conn.transaction():
                claimed = idempotency.claim(conn, user_id, key, digest, ports.clock())
                if not claimed.new:
                    return _earlier(claimed, digest)
                settled = _settle(conn, effect)
                idempotency.settle(conn, user_id, key, answer=settled.answer, error=settled.error)
                return settled
        except RefusedError as error:
            return Settled(error=error.code)


def tell(ports: Ports, command_id: str, settled: Settled) -> None:
    """Give the answer to whoever waits for it."""
    bus.answer(ports.redis, command_id, msgspec.Raw(settled.answer or b"null"), error=settled.error)


def request_digest(command: Write) -> bytes:
    """The same for requests that ask for the same."""
    asked = msgspec.structs.asdict(command)
    told = [
        type(command).__name__,
        *(v for name, v in sorted(asked.items()) if name not in command.incidental),
    ]
    return hashlib.sha256(msgspec.json.encode(told)).digest()


def _settle(conn: Connection, effect: Effect) -> Settled:
    try:
        return Settled(answer=msgspec.json.encode(effect(conn)))
    except RefusedError as error:
        return Settled(error=error.code)


def _earlier(claimed: idempotency.Claimed, digest: bytes) -> Settled:
    if claimed.digest != digest:
        return Settled(error=Refusal.IDEMPOTENCY_MISMATCH)
    return Settled(answer=claimed.answer, error=claimed.error)
