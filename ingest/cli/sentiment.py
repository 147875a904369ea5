"""`newsintel sentiment rescore`: scores of an older method, made anew."""

import argparse
from typing import Any

from ingest.cli.asking import send
from ingest.cli.output import say
from ingest.ports import Ports
from shared.commands import RescoreSentiment


def add(nouns: Any) -> None:
    verbs = nouns.add_parser("sentiment", help="the tone of articles").add_subparsers(required=True)
    verbs.add_parser(
        "rescore", help="score anew what an older method scored, in the background"
    ).set_defaults(run=_rescore)


def _rescore(_asked: argparse.Namespace, ports: Ports) -> None:
    send(ports, RescoreSentiment())
    say("sent; the workers score between other work")
