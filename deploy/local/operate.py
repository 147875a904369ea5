"""`newsintel`: the operators' command line against the system that `up` runs on this machine."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local import secret_files
from ingest.cli import main as cli

_NAME = "worker-settings"


@contextmanager
def offered(data: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """While the system runs, the settings of its workers lie where `main` finds them."""
    path = secret_files.write(data, _NAME, json.dumps(settings))
    try:
        yield
    finally:
        path.unlink()


def main(data: Path, arguments: list[str]) -> int:
    path = secret_files.at(data, _NAME)
    if not path.exists():
        print(
            f"deploy.local: nothing runs on {data}; start it with `up`, or name its --data-dir",
            file=sys.stderr,
        )
        return 2
    os.environ.update(json.loads(path.read_text()))
    return cli.main(arguments)
