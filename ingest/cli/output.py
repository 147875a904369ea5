"""How the command line prints: sentences, tables, bars, moments."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.errors import NewsIntelError

_BAR = 24


class CliError(NewsIntelError):
    """One sentence about the request."""


def say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a command line prints


def table(head: tuple[str, ...], lines: Iterable[tuple[object, ...]]) -> None:
    cells = [head, *(tuple(map(str, line)) for line in lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def bar(share: float) -> str:
    """A progress bar that any terminal and any log can show."""
    full = round(_BAR * min(max(share, 0.0), 1.0))
    return f"[{'#' * full}{'.' * (_BAR - full)}] {share:4.0%}"


def span(length: timedelta | None) -> str:
    """A length of time in its largest unit; "-" when it is not known."""
    if length is None:
        return "-"
    seconds = length.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
