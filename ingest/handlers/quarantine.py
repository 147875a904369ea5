"""ReplayQuarantine, DropQuarantine: what could not be understood, tried again or forgotten."""

from functools import partial

from ingest.article import Quarantined
from ingest.handlers.answering import answered
from ingest.pipeline.run import prepare, run
from ingest.ports import Ports
from ingest.store import audit, quarantine
from ingest.store.quarantine import Kept
from shared.commands import DropQuarantine, ReplayQuarantine
from shared.events import Removed, Replayed


def replay_quarantine(command: ReplayQuarantine, ports: Ports, command_id: str) -> None:
    answered(ports, command_id, partial(_replay, command, ports))


def drop_quarantine(command: DropQuarantine, ports: Ports, command_id: str) -> None:
    answered(ports, command_id, partial(_drop, command, ports))


def _replay(command: ReplayQuarantine, ports: Ports) -> Replayed:
    """Killed between storing an item and forgetting it here, a second try stores nothing twice."""
    with ports.database.connection() as conn:
        kept = quarantine.get(conn, command.ids)
    settled = [item.id for item in kept if _settled(item, ports)]
    _forget(settled, "quarantine_replayed", command.requested_by, ports)
    return Replayed(settled=len(settled), left=len(kept) - len(settled))


def _settled(item: Kept, ports: Ports) -> bool:
    outcome = ports.sources[item.source].outcome(item.original)
    if isinstance(prepare(outcome, ports.clock()), Quarantined):
        return False
    # In the books of the pull that brought it: one more that was fetched, and what became of it.
    return not run([outcome], item.fetch_id or "", ports).quarantined


def _drop(command: DropQuarantine, ports: Ports) -> Removed:
    return Removed(count=_forget(command.ids, "quarantine_dropped", command.requested_by, ports))


def _forget(ids: list[int], action: str, requested_by: str, ports: Ports) -> int:
    with ports.database.connection() as conn, conn.transaction():
        count = quarantine.delete(conn, ids)
        audit.insert(conn, action, ports.clock(), user_id=None, ids=ids, requested_by=requested_by)
    return count
