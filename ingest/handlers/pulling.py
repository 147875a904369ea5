"""One pull of one source, kept in the books: its `fetches` row says how it went, whatever happens."""

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from ingest.article import Outcome
from ingest.ports import Ports, Pull
from ingest.store import fetches
from shared.errors import NoTurnError, SourceError
from shared.metrics import OK

_log = structlog.get_logger("fetch")

# Takes the items of one page; False ends the pull before its last page.
OnPage = Callable[[list[Outcome]], bool]


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """How a pull went. started_at: of its first try; error: what ended it early; cursor: where the next page starts."""

    started_at: datetime
    error: SourceError | None
    cursor: str | None = None


def pull_source(
    ports: Ports, source: str, pull: Pull, fetch_id: str, on_page: OnPage, *, topic_id: int | None = None
) -> Pulled:
    """Fetch page after page and hand each to `on_page`.

    A SourceError is an outcome and is recorded; anything else is a defect or a lost dependency and is raised, so
    that the queue delivers the command again.
    """
    with ports.database.connection() as connection:
        started_at = fetches.begin(
            connection,
            fetch_id,
            source=source,
            topic_id=topic_id,
            query=pull.query,
            window=(pull.since, pull.until),
            at=ports.clock(),
        )
    error = cursor = None
    try:
        for page in ports.sources[source].pages(pull):
            with ports.database.connection() as connection:
                fetches.add_page(connection, fetch_id)
            cursor = page.cursor
            if not on_page(page.items):
                break
    except SourceError as failure:
        error = failure
        waits = isinstance(error, NoTurnError)
        tell, event = (_log.info, "fetch_waits") if waits else (_log.warning, "fetch_failed")
        tell(event, source=source, code=error.code, reason=error.message, fetch_id=fetch_id)
    outcome, reason = (OK, None) if error is None else (error.code, error.message)
    with ports.database.connection() as connection:
        fetches.finish(connection, fetch_id, outcome=outcome, reason=reason, at=ports.clock())
    ports.metrics.count("fetches", source=source, outcome=outcome)
    return Pulled(started_at=started_at, error=error, cursor=cursor)
