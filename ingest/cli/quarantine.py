"""`newsintel quarantine`: items that could not be understood."""

import argparse
from typing import Any

from ingest.cli.asking import ask, made, me
from ingest.cli.output import CliError, day, say, table
from ingest.ports import Ports
from ingest.store import quarantine
from shared.commands import KINDS, DropQuarantine, ReplayQuarantine
from shared.events import Removed, Replayed

_LAST = 2**62
_AT_ONCE = 1_000
_WIDTH = 60


def add(nouns: Any) -> None:
    verbs = nouns.add_parser("quarantine", help="items that could not be understood").add_subparsers(
        required=True
    )
    shown = verbs.add_parser("list", help="the newest first")
    _chosen(shown)
    shown.add_argument("--limit", type=_limit, default=50, help=f"at most so many (50, up to {_AT_ONCE})")
    shown.set_defaults(run=_list)
    one = verbs.add_parser("show", help="the reason and the original")
    one.add_argument("id", type=int)
    one.set_defaults(run=_show)
    for verb, run, text in (
        ("replay", _replay, "try again, for example after a release that understands more"),
        ("drop", _drop, "forget for good"),
    ):
        command = verbs.add_parser(verb, help=text)
        command.add_argument("ids", type=int, nargs="*", metavar="id")
        _chosen(command)
        command.add_argument("--all", action="store_true", help="all that --source and --reason leave")
        command.set_defaults(run=run)


def _chosen(command: argparse.ArgumentParser) -> None:
    command.add_argument("--source", choices=KINDS, help="only of this source")
    command.add_argument("--reason", help="only for this reason")


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _AT_ONCE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_AT_ONCE}")
    return int(text)


def _list(asked: argparse.Namespace, ports: Ports) -> None:
    with ports.database.connection() as conn:
        kept = quarantine.listed(
            conn, source=asked.source, reason=asked.reason, before=_LAST, count=asked.limit
        )
    table(
        ("ID", "SOURCE", "REASON", "SINCE", "DETAIL"),
        ((k.id, k.source, k.reason, day(k.first_seen_at), k.detail[:_WIDTH]) for k in kept),
    )


def _show(asked: argparse.Namespace, ports: Ports) -> None:
    with ports.database.connection() as conn:
        kept = quarantine.get(conn, [asked.id])
    if not kept:
        raise CliError(f"there is no item {asked.id}")
    say(f"{kept[0].source}, {kept[0].reason}: {kept[0].detail}")
    say(f"since {day(kept[0].first_seen_at)}, from the pull {kept[0].fetch_id or '-'}")
    say(kept[0].original.decode(errors="replace"))


def _replay(asked: argparse.Namespace, ports: Ports) -> None:
    settled = left = 0
    for ids in _ids(asked, ports):
        done = ask(ports, made(ReplayQuarantine, ids=ids, requested_by=me()), Replayed)
        settled, left = settled + done.settled, left + done.left
    _there(asked, settled + left)
    say(f"{settled} understood now, {left} still not")


def _drop(asked: argparse.Namespace, ports: Ports) -> None:
    count = 0
    for ids in _ids(asked, ports):
        count += ask(ports, made(DropQuarantine, ids=ids, requested_by=me()), Removed).count
    _there(asked, count)
    say(f"{count} dropped")


def _there(asked: argparse.Namespace, count: int) -> None:
    if not count and asked.ids:
        raise CliError("nothing in quarantine has that id (see the list)")


def _ids(asked: argparse.Namespace, ports: Ports) -> list[list[int]]:
    """In batches; all that are there now, when all are meant."""
    ids = list(asked.ids)
    if bool(ids) == asked.all:
        raise CliError("name ids, or --all (with --source and --reason)")
    before = _LAST
    while asked.all:
        with ports.database.connection() as conn:
            kept = quarantine.listed(
                conn, source=asked.source, reason=asked.reason, before=before, count=_AT_ONCE
            )
        ids += [item.id for item in kept]
        if len(kept) < _AT_ONCE:
            break
        before = kept[-1].id
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
