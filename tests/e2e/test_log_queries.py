"""Every saved query finds the lines that it is for, with every field that it names, in what real processes log."""

import contextlib
import json
import re
from datetime import timedelta

import dramatiq
import psycopg

from deploy.aws.queries import PLACEHOLDER, QUERIES
from shared import bus, keys
from shared.clock import utcnow
from shared.commands import FetchTopic, Queue, StartBackfill
from tests.eventually import eventually

LANGUAGE = {
    *("fields", "filter", "stats", "sort", "limit", "desc", "asc", "by", "as", "in", "and"),
    *("count", "sum", "max", "pct", "latest", "bin", "ispresent"),
}


def fields_of(query):
    """Names in a query that are neither of its language nor made by it nor CloudWatch's own (@...)."""
    text = re.sub(r'"[^"]*"', "", " ".join(query.text))
    made = set(re.findall(r"\bas (\w+)", text))
    return set(re.findall(r"(?<![\w@])[a-z_]\w*", text)) - LANGUAGE - made


def found_by(query, lines):
    """The lines that pass its filters: field = "value", field in ["value", ...] and ispresent(field), joined by and."""
    conditions = [
        condition
        for command in query.text
        if command.startswith("filter ")
        for condition in command.removeprefix("filter ").split(" and ")
    ]
    for condition in conditions:
        if present := re.fullmatch(rf'ispresent\((\w+)\)|(\w+) = "{PLACEHOLDER}"', condition):
            lines = [line for line in lines if (present[1] or present[2]) in line]
        else:
            field, allowed = re.fullmatch(r"(\w+) (?:=|in) (.+)", condition).groups()
            lines = [line for line in lines if line.get(field) in re.findall(r'"([^"]*)"', allowed)]
    return lines


@contextlib.contextmanager
def unreadable_topics(system):
    """A fault of ours: schedule and cadence cannot do their work."""
    with psycopg.connect(system.database.admin, autocommit=True) as admin:
        admin.execute("REVOKE SELECT ON topics FROM newsintel_worker")
        try:
            yield
        finally:
            admin.execute("GRANT SELECT ON topics TO newsintel_worker")


def make_trouble(system):
    """A bad day: a source that answers nonsense, a command that nobody understands, one that fails, no lease."""
    emf = {"NEWSINTEL_METRICS": "emf"}
    system.worker(**emf)
    system.scheduler()
    eventually(lambda: system.lines("scheduler", event="slot_sent"))
    api = system.api(**emf)
    system.upstreams.faults(source="guardian", kind="html")
    api.get("/articles", params={"q": "climate"})
    now = utcnow()
    window = {"since": now - timedelta(days=3), "until": now}
    system.send(StartBackfill(sources=["reddit"], query="the", key="k", requested_by="someone", **window))
    eventually(lambda: system.lines("worker", event="source_call", request_id="backfill-1"))
    unknown = dramatiq.Message(Queue.BULK, "FetchTopic", ({"topic_id": "seven"},), {}, {})
    bus.broker(system.redis).enqueue(unknown)
    with unreadable_topics(system):
        system.send(FetchTopic(topic_id=1))
        system.scheduler()
        eventually(lambda: system.lines("scheduler", event="topics_unreadable"))
        eventually(lambda: system.lines("worker", event="command_dead_lettered"))


def lose_the_lease(system):
    system.redis.delete(keys.LEADER)
    system.redis.lpush(keys.LEADER, "not a lease")
    system.scheduler()
    eventually(lambda: system.lines("scheduler", event="slot_not_sent"))


def test_every_query_finds_lines_and_every_field_in_them(system):
    make_trouble(system)
    lose_the_lease(system)
    for child in system.children:
        child.stop()
    for name in ("api", "worker", "scheduler"):
        raw = (system.logs / f"{name}.log").read_text().splitlines()
        assert [line for line in raw if not line.startswith("{")] == []
        assert {line["service"] for line in map(json.loads, raw) if "_aws" not in line} == {name}
    for query in QUERIES:
        lines = found_by(query, [line for name in query.logs for line in system.lines(name)])
        assert lines, query.name
        missing = fields_of(query) - {field for line in lines for field in line}
        assert not missing, query.name
