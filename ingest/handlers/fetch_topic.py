"""FetchTopic: pull one topic of the cadence."""

from datetime import timedelta

from dramatiq.errors import Retry

from ingest.article import Outcome
from ingest.handlers.pulling import Pulled, pull_source
from ingest.pipeline.run import run
from ingest.ports import Ports, Priority, Pull
from ingest.store import fetches, topics
from ingest.store.topics import Topic
from shared.commands import FetchTopic

# A source that does not say when to come back is asked again after this long.
PAUSE = timedelta(seconds=60)


def fetch_topic(command: FetchTopic, ports: Ports, command_id: str) -> None:
    """Pull page after page until the end, the topic's page limit, or a page that holds nothing new.

    Raises Retry after a failure that may pass soon.
    """
    with ports.database.connection() as connection:
        topic = topics.get(connection, command.topic_id)
    if topic is None or topic.paused:
        ports.metrics.count("topic_skipped", reason="gone" if topic is None else "paused")
        return
    fetch_id = f"{command_id}:{topic.source}"
    with ports.database.connection() as connection:
        caught_up = fetches.caught_up(connection, topic.id, fetch_id)

    def on_page(items: list[Outcome]) -> bool:
        # Newest first: after a page without news the rest is known, and calls are scarce.
        return run(items, fetch_id, ports).stored > 0 or not caught_up

    pull = Pull(kind=topic.kind, query=topic.query, max_pages=topic.max_pages, priority=Priority.CADENCE)
    pulled = pull_source(ports, topic.source, pull, fetch_id, on_page, topic_id=topic.id)
    _try_again(pulled, topic, ports)


def _try_again(pulled: Pulled, topic: Topic, ports: Ports) -> None:
    """Within the first quarter of the topic's slot; later the next slot is the retry."""
    error = pulled.error
    if error is None or not error.retryable:
        return
    now = ports.clock()
    at = max(error.retry_at or now + PAUSE, now + timedelta(seconds=1))
    if at < pulled.started_at + timedelta(seconds=topic.cadence_seconds / 4):
        raise Retry(str(error), delay=round((at - now).total_seconds() * 1000))
