"""One pull of one source, kept in the books: its `fetches` row says how it went, whatever happens."""

from collections.abc import Callable

import structlog

from ingest.article import Outcome
from ingest.ports import Ports, Pull
from ingest.store import fetches
from shared.errors import SourceError

_log = structlog.get_logger("fetch")

# Takes the items of one page; False ends the pull before its last page.
OnPage = Callable[[list[Outcome]], bool]


def pull_source(
    ports: Ports, source: str, pull: Pull, fetch_id: str, on_page: OnPage, *, topic_id: int | None = None
) -> SourceError | None:
    """Fetch page after page and hand each to `on_page`; returns the error that ended it early, if any.

    A SourceError is an outcome (recorded, and the next cadence slot is its retry); anything else is a defect or a
    lost dependency and is raised, so that the queue delivers the command again.
    """
    with ports.database.connection() as connection:
        fetches.begin(
            connection,
            fetch_id,
            source=source,
            topic_id=topic_id,
            query=pull.query,
            window=(pull.since, pull.until),
            at=ports.clock(),
        )
    error = None
    try:
        for page in ports.sources[source].pages(pull):
            if not on_page(page.items):
                break
    except SourceError as failure:
        error = failure
        _log.warning(
            "fetch_failed", source=source, code=failure.code, reason=failure.message, query=pull.query
        )
    outcome, reason = ("ok", None) if error is None else (error.code, error.message)
    with ports.database.connection() as connection:
        fetches.finish(connection, fetch_id, outcome=outcome, reason=reason, at=ports.clock())
    return error
