"""FetchQuery: ask every source for what a reader searches, answer early, then finish the rest."""

import contextvars
from concurrent.futures import ThreadPoolExecutor

import msgspec
import redis
import structlog

from ingest.article import Outcome
from ingest.handlers.pulling import pull_source
from ingest.pipeline.run import run
from ingest.ports import Ports, Priority, Pull
from shared import bus, keys
from shared.commands import FetchQuery
from shared.events import QueryFetched, SourceAsked

# A reader waits for the newest of each source; a full page (100) takes the pipeline longer than the network takes.
FIRST_ITEMS = 12
# When no source could be asked, the next reader may try again this soon.
RETRY_SECONDS = 30

_log = structlog.get_logger("fetch")


def fetch_query(command: FetchQuery, ports: Ports, command_id: str) -> None:
    """Ask all sources at once. The answer goes out when the first articles of each are searchable."""
    later: list[tuple[str, list[Outcome]]] = []

    def ask(source: str) -> SourceAsked:
        fetch_id = f"{command_id}:{source}"
        new = 0

        def on_page(items: list[Outcome]) -> bool:
            nonlocal new
            new = run(items[:FIRST_ITEMS], fetch_id, ports).stored
            later.append((fetch_id, items[FIRST_ITEMS:]))
            return False

        pull = Pull(
            kind="query", query=command.query, language=command.language, priority=Priority.INTERACTIVE
        )
        error = pull_source(ports, source, pull, fetch_id, on_page).error
        return SourceAsked(
            source=source,
            asked_at=ports.clock(),
            outcome=error.code if error else "ok",
            reason=error.message if error else None,
            new_articles=new,
        )

    with ThreadPoolExecutor(len(ports.sources), thread_name_prefix="ask") as threads:
        # A context of its own for each thread, so that its log lines carry the command's id.
        asks = [threads.submit(contextvars.copy_context().run, ask, source) for source in ports.sources]
        asked = [each.result() for each in asks]
    _remember(ports, command, asked)
    bus.answer(ports.redis, command_id, QueryFetched(query_key=command.query_key, sources=asked))
    for fetch_id, items in later:
        run(items, fetch_id, ports)


def forget_flight(query_key: str, ports: Ports) -> None:
    """A fetch that was given up must not hold the next reader's back."""
    ports.redis.delete(keys.flight(query_key), keys.asked(query_key))


def _remember(ports: Ports, command: FetchQuery, asked: list[SourceAsked]) -> None:
    """How each source answered, for every reader of the freshness window; a total failure is forgotten soon."""
    seconds = ports.settings.freshness_seconds if any(a.outcome == "ok" for a in asked) else RETRY_SECONDS
    name = keys.asked(command.query_key)
    try:
        with ports.redis.pipeline(transaction=True) as together:
            together.delete(name)
            together.hset(name, mapping={a.source: msgspec.json.encode(a) for a in asked})
            together.expire(name, seconds)
            together.expire(keys.flight(command.query_key), seconds)
            together.execute()
    except redis.RedisError as error:
        ports.metrics.count("asked_not_remembered")
        _log.warning("asked_not_remembered", error=str(error))
