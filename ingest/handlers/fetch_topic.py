"""FetchTopic: pull one topic of the cadence."""

from ingest.article import Outcome
from ingest.handlers.pulling import pull_source
from ingest.pipeline.run import run
from ingest.ports import Ports, Priority, Pull
from ingest.store import topics
from shared.commands import FetchTopic


def fetch_topic(command: FetchTopic, ports: Ports, command_id: str) -> None:
    """Pull page after page until the end, the topic's page limit, or a page that holds nothing new."""
    with ports.database.connection() as connection:
        topic = topics.get(connection, command.topic_id)
    if topic is None or topic.paused:
        ports.metrics.count("topic_skipped", reason="gone" if topic is None else "paused")
        return
    fetch_id = f"{command_id}:{topic.source}"

    def on_page(items: list[Outcome]) -> bool:
        # Newest first: a page without news means that the rest is known, and calls are scarce.
        return run(items, fetch_id, ports).stored > 0

    pull = Pull(kind=topic.kind, query=topic.query, max_pages=topic.max_pages, priority=Priority.CADENCE)
    pull_source(ports, topic.source, pull, fetch_id, on_page, topic_id=topic.id)
