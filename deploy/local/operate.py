"""`newsintel`, the operators' command line, on the product that `up` runs here."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from deploy.local.environment import REPOSITORY
from deploy.local.secret_files import keep

_SETTINGS = "newsintel"


def note(data: Path, environment: Mapping[str, str]) -> Path:
    """Remember how the workers of this data directory are set up; returns the file."""
    return keep(data, _SETTINGS, msgspec.json.encode(environment).decode())


def main(data: Path, arguments: list[str]) -> int:
    """Exit code of the command line, 2 when no `up` runs on this data."""
    try:
        settings = msgspec.json.decode((data / "secrets" / _SETTINGS).read_bytes(), type=dict[str, str])
    except OSError:
        print(f"deploy.local: no `up` runs on {data}; start it first", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "ingest.cli", *arguments]
    return subprocess.run(command, check=False, cwd=REPOSITORY, env={**os.environ, **settings}).returncode
