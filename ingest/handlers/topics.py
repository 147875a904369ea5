"""AddTopic, PauseTopic: what is pulled on a cadence. The scheduler sees it within seconds."""

from functools import partial

from ingest.handlers.answering import answered
from ingest.ports import Connection, Ports
from ingest.store import audit, topics
from shared.commands import AddTopic, PauseTopic
from shared.errors import RefusedError
from shared.events import Refusal, TopicChanged


def add_topic(command: AddTopic, ports: Ports, command_id: str) -> None:
    answered(ports, command_id, partial(_add, command, ports))


def pause_topic(command: PauseTopic, ports: Ports, command_id: str) -> None:
    answered(ports, command_id, partial(_pause, command, ports))


def _add(command: AddTopic, ports: Ports) -> TopicChanged:
    name = {"source": command.source, "kind": command.kind, "query": command.query.strip()}
    with ports.database.connection() as conn, conn.transaction():
        new = topics.add(conn, **name, cadence_seconds=command.cadence_seconds, max_pages=command.max_pages)
        if new is not None:
            _note(conn, command, "topic_added", new, ports)
        topic_id = new or topics.id_of(conn, **name)
    if topic_id is None:  # gone between the two statements
        return _add(command, ports)
    return TopicChanged(topic_id=topic_id, changed=new is not None)


def _pause(command: PauseTopic, ports: Ports) -> TopicChanged:
    with ports.database.connection() as conn, conn.transaction():
        changed = topics.pause(conn, command.topic_id, paused=command.paused)
        if changed:
            action = "topic_paused" if command.paused else "topic_resumed"
            _note(conn, command, action, command.topic_id, ports)
        if not changed and topics.get(conn, command.topic_id) is None:
            raise RefusedError(Refusal.NOT_FOUND)
    return TopicChanged(topic_id=command.topic_id, changed=changed)


def _note(conn: Connection, command: AddTopic | PauseTopic, action: str, topic_id: int, ports: Ports) -> None:
    audit.insert(
        conn, action, ports.clock(), user_id=None, topic_id=topic_id, requested_by=command.requested_by
    )
