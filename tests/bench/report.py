"""How a benchmark tells its figures: a table for people, and with --json one object on the last line."""

import json
import statistics
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured figure beside its baseline of the same run.

    ratio: value / baseline, unless the figure says otherwise; aim: what it should be; met: None without an aim.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    aim: str | None = None
    met: bool | None = None


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank, from 0 to 100."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


def spread(values: Sequence[float]) -> str:
    """Median and extremes, for the line that a person reads while a benchmark runs."""
    return f"median {statistics.median(values):.4g} ({min(values):.4g} ... {max(values):.4g}, {len(values)} runs)"


def report(bench: str, figures: Iterable[Figure]) -> None:
    """Print the table; with --json on the command line also the object, last."""
    listed = list(figures)
    table = Table(title=f"bench {bench}")
    for column in ("figure", "value", "unit", "baseline", "ratio", "aim", "met"):
        table.add_column(column)
    for figure in listed:
        table.add_row(*(_cell(value) for value in msgspec.structs.astuple(figure)))
    Console().print(table)
    if "--json" in sys.argv:
        print(json.dumps({"bench": bench, "figures": msgspec.to_builtins(listed)}))  # noqa: T201 - its purpose


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
