"""`newsintel seal`: the keys that seal Reddit's tokens."""

import argparse
from typing import Any

from ingest.cli.output import CliError, say
from ingest.handlers.reseal import reseal
from ingest.ports import Ports


def add(nouns: Any) -> None:
    verbs = nouns.add_parser("seal", help="the keys that seal Reddit's tokens").add_subparsers(required=True)
    verbs.add_parser("new", help="make a key for NEWSINTEL_SEAL_KEYS").set_defaults(run=None)
    verbs.add_parser("rotate", help="bring everything under the first key").set_defaults(run=_rotate)


def _rotate(_asked: argparse.Namespace, ports: Ports) -> None:
    if not ports.seal.ready:
        raise CliError("NEWSINTEL_SEAL_KEYS is empty")
    done = reseal(ports)
    say(f"{done.resealed} sealed anew, {done.current} were under the first key already")
    if done.lost:
        raise CliError(f"{done.lost} cannot be opened with any key: put the missing key back")
