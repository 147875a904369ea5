"""The write side's table of contents: which function carries out which command."""

from collections.abc import Callable
from typing import Any, Final

from ingest.handlers.fetch_query import fetch_query
from ingest.handlers.fetch_topic import fetch_topic
from ingest.handlers.record_searches import record_searches
from ingest.ports import Ports
from shared.commands import Command, FetchQuery, FetchTopic, RecordSearches

# handler(command, ports, command_id); a command may be delivered twice, so each handler is safe to repeat.
Handler = Callable[[Any, Ports, str], None]

HANDLERS: Final[dict[type[Command], Handler]] = {
    FetchQuery: fetch_query,
    FetchTopic: fetch_topic,
    RecordSearches: record_searches,
}
