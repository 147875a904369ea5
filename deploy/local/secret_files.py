"""Secrets of this one machine: made once, kept beside the data, readable for their owner only."""

import os
from collections.abc import Callable
from pathlib import Path


def kept(data: Path, name: str, make: Callable[[], str]) -> str:
    """The secret of this name; made when there is none yet."""
    path = data / "secrets" / name
    if not path.exists():
        keep(data, name, make())
    return path.read_text()


def keep(data: Path, name: str, secret: str) -> Path:
    """Write it down, instead of an older one; returns its file."""
    path = data / "secrets" / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secret)
    unfinished.replace(path)
    return path
