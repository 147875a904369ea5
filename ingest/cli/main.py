"""Operators' commands, with the worker's settings: `newsintel backfill|quarantine|topics|users|keys|... <verb>`.

What changes something is sent to the workers as a command, as the api and the scheduler do it; roles and keys are
changed at once. Who did it stands in the audit log.
"""

import argparse
import os
import sys

import psycopg
import redis

from ingest import bootstrap
from ingest.cli import backfill, keys, quarantine, retention, seal, sentiment, status, topics, users
from ingest.cli.output import say
from ingest.seal import new_key
from shared import log
from shared.config import IngestSettings, load
from shared.errors import NewsIntelError

NOUNS = (backfill, status, topics, quarantine, retention, sentiment, users, keys, seal)


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0, or 2 with one sentence on standard error; as of a signal when it was interrupted."""
    asked = parser().parse_args(arguments)
    try:
        if asked.run is None:
            say(new_key())
            return 0
        settings = load(IngestSettings)
        log.configure("error", service="cli")
        ports = bootstrap.ports(settings, "cli")
        try:
            asked.run(asked, ports)
        finally:
            ports.database.close()
    except (NewsIntelError, redis.RedisError, psycopg.Error) as error:
        sentence = str(error).partition("\n")[0]  # PostgreSQL goes on with the statement and its values
        print(f"newsintel: {sentence}", file=sys.stderr)  # noqa: T201 - a command line prints
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever reads it (`| head`) has had enough. What is still in the buffer must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="newsintel", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    nouns = made.add_subparsers(required=True, metavar="<noun>")
    for noun in NOUNS:
        noun.add(nouns)
    return made
