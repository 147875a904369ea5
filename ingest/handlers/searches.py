"""RecordSearches, DeleteSearches: what was searched, and forgetting it."""

from ingest.handlers.once import once, tell
from ingest.ports import Connection, Ports
from ingest.store import searches
from shared.commands import DeleteSearches, RecordSearches
from shared.errors import RefusedError
from shared.events import Refusal, Removed


def record_searches(command: RecordSearches, ports: Ports, _command_id: str) -> None:
    """Safe to repeat: a search has its own id."""
    with ports.database.connection() as connection, connection.transaction():
        searches.insert(connection, command.searches)


def delete_searches(command: DeleteSearches, ports: Ports, command_id: str) -> None:
    tell(ports, command_id, once(command, ports, lambda conn: _delete(conn, command)))


def _delete(conn: Connection, command: DeleteSearches) -> Removed:
    count = searches.delete(conn, command.user_id, command.search_id)
    if command.search_id is not None and not count:
        raise RefusedError(Refusal.NOT_FOUND)
    return Removed(count=count)
