"""`newsintel retention`: drop what is past its time, and what was deleted on Reddit. The scheduler does it daily."""

import argparse
from typing import Any

from ingest.cli.asking import send
from ingest.cli.output import say
from ingest.ports import Ports
from shared.commands import ApplyRetention


def add(nouns: Any) -> None:
    nouns.add_parser("retention", help="drop what is past its time, now instead of at night").set_defaults(
        run=_run
    )


def _run(_asked: argparse.Namespace, ports: Ports) -> None:
    send(ports, ApplyRetention())
    days, months = ports.settings.retention_days, ports.settings.search_history_months
    say(f"sent: articles older than {days} days" if days else "sent: articles are kept for ever")
    say(f"searches older than {months} months; pulls older than {ports.settings.fetch_days} days")
    say("posts that were deleted on Reddit")
