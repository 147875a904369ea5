"""`newsintel topics`: what is pulled on a cadence."""

import argparse
from typing import Any

from ingest.cli.asking import ask, made, me
from ingest.cli.output import say, table
from ingest.ports import Ports
from ingest.store import topics
from shared.commands import KINDS, AddTopic, PauseTopic
from shared.events import TopicChanged


def add(nouns: Any) -> None:
    verbs = nouns.add_parser("topics", help="what is pulled on a cadence").add_subparsers(required=True)
    verbs.add_parser("list").set_defaults(run=_list)
    new = verbs.add_parser("add", help="pull something more; takes effect within 15 s")
    new.add_argument("source", choices=KINDS)
    new.add_argument("kind", choices=sorted({kind for kinds in KINDS.values() for kind in kinds}))
    new.add_argument("query", help="words, a section, a category or subreddits joined by +")
    new.add_argument("--every", type=int, default=3600, metavar="SECONDS", help="cadence (3600)")
    new.add_argument("--pages", type=int, default=1, help="at most this many pages a pull (1)")
    new.set_defaults(run=_add)
    for verb, paused in (("pause", True), ("resume", False)):
        command = verbs.add_parser(verb)
        command.add_argument("id", type=int)
        command.set_defaults(run=_pause, paused=paused)


def _list(_asked: argparse.Namespace, ports: Ports) -> None:
    with ports.database.connection() as conn:
        found = topics.every(conn)
    table(
        ("ID", "SOURCE", "KIND", "QUERY", "EVERY", "PAGES", "STATE"),
        (
            (
                t.id,
                t.source,
                t.kind,
                t.query or "(all)",
                f"{t.cadence_seconds} s",
                t.max_pages,
                _state(t.paused),
            )
            for t in found
        ),
    )


def _add(asked: argparse.Namespace, ports: Ports) -> None:
    command = made(
        AddTopic,
        source=asked.source,
        kind=asked.kind,
        query=asked.query,
        cadence_seconds=asked.every,
        max_pages=asked.pages,
        requested_by=me(),
    )
    done = ask(ports, command, TopicChanged)
    say(f"topic {done.topic_id} is {'now' if done.changed else 'already'} there")


def _pause(asked: argparse.Namespace, ports: Ports) -> None:
    command = made(PauseTopic, topic_id=asked.id, paused=asked.paused, requested_by=me())
    done = ask(ports, command, TopicChanged)
    say(f"topic {done.topic_id} is {'now' if done.changed else 'already'} {_state(asked.paused)}")


def _state(paused: bool) -> str:
    return "paused" if paused else "active"
