"""The runbook knows every command of `newsintel`, and no other."""

import argparse
import re
from pathlib import Path

from ingest.cli.main import parser

RUNBOOK = Path(__file__).parents[3] / "deploy" / "runbook.md"


def commands(command, *path):
    """("backfill", "plan"), ... of all that can be run."""
    nested = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    if not nested:
        yield path
    for action in nested:
        for name, inner in action.choices.items():
            yield from commands(inner, *path, name)


def test_the_runbook_explains_every_command():
    explained = re.findall(r"^\| `newsintel ([a-z ]+)`", RUNBOOK.read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(" ".join(path) for path in commands(parser()))


def test_whatever_the_runbook_says_to_run_is_there():
    known = {" ".join(path) for path in commands(parser())}
    said = {
        " ".join(re.match(r"[a-z ]*", rest)[0].split()[:2])
        for rest in re.findall(r"`newsintel ([a-z][^`]*)`", RUNBOOK.read_text())
    }
    assert said <= known
