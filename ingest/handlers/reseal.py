"""Brings everything that is sealed under the current key, so that an old one can be taken out of the settings."""

import msgspec

from ingest.handlers.reddit_tokens import owner, revocation_owner
from ingest.ports import Ports
from ingest.seal import SealError
from ingest.store import revocations, users

BATCH = 500


class Resealed(msgspec.Struct, frozen=True, kw_only=True):
    """lost: what no key opens."""

    resealed: int
    current: int
    lost: int


def reseal(ports: Ports) -> Resealed:
    """Safe to repeat and beside running workers: tokens that change meanwhile are under the current key anyway."""
    counts = {"resealed": 0, "current": 0, "lost": 0}
    with ports.database.connection() as conn:
        after = 0
        while batch := users.tokens_after(conn, after, BATCH):
            after = batch[-1].user_id
            for row in batch:
                fate, sealed = _again(ports, row.reddit_tokens, owner(row.user_id))
                counts[fate] += 1
                users.reseal(conn, row.user_id, row.reddit_tokens, sealed)
        for pending in revocations.everything(conn):
            fate, sealed = _again(ports, pending.token, revocation_owner(pending.id))
            counts[fate] += 1
            revocations.reseal(conn, msgspec.structs.replace(pending, token=sealed))
    return Resealed(**counts)


def _again(ports: Ports, sealed: bytes, owner_: str) -> tuple[str, bytes]:
    if not ports.seal.stale(sealed):
        return "current", sealed
    try:
        return "resealed", ports.seal.close(ports.seal.open(sealed, owner_), owner_)
    except SealError:
        return "lost", sealed
