"""RecordSearches: remember what was searched."""

from ingest.ports import Ports
from ingest.store import searches
from shared.commands import RecordSearches


def record_searches(command: RecordSearches, ports: Ports, _command_id: str) -> None:
    """Safe to repeat: a search has its own id."""
    with ports.database.connection() as connection:
        searches.insert(connection, command.searches)
