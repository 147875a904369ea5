"""The table of metrics against the code that measures and the document that explains."""

import ast
from collections import Counter
from pathlib import Path

from shared import prometheus
from shared.meter import Meter
from shared.metrics import METRICS, TABLE, Kind, NullMetrics

REPOSITORY = Path(__file__).parents[3]


def test_each_name_is_there_once():
    assert [name for name, times in Counter(metric.name for metric in TABLE).items() if times > 1] == []


def test_the_port_has_a_twin_that_measures_nothing():
    for metrics in (Meter(), NullMetrics()):
        metrics.count("asked_not_remembered")
        metrics.gauge("queue_depth", 1, queue="bulk")
        metrics.timing("search_duration", 1.5)
    assert NullMetrics().seen() == ({}, {}, {})


def test_each_unit_is_one_that_cloudwatch_knows():
    assert {metric.unit for metric in TABLE} <= {"Count", "Seconds", "Milliseconds", "Percent"}


def test_only_what_is_added_up_over_dimensions_has_a_total():
    totals = [metric for metric in TABLE if metric.total]
    assert [metric.name for metric in totals if metric.kind is not Kind.COUNT or not metric.dimensions] == []


def emitted():
    """(kind, name, dimensions) of every call in the code that measures something under a literal name."""
    for package in ("api", "ingest", "shared"):
        for path in (REPOSITORY / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name() | ast.Attribute() as owner, attr=kind),
                        args=[ast.Constant(value=str(name)), *_],
                    ) if kind in set(Kind) and ast.unparse(owner).endswith("metrics"):
                        yield kind, name, {keyword.arg for keyword in node.keywords} - {"value"}


def test_every_metric_of_the_code_is_in_the_table_with_its_dimensions():
    for kind, name, dimensions in emitted():
        assert name in METRICS, f"{name} is not in shared.metrics"
        assert kind == METRICS[name].kind, name
        assert dimensions == set(METRICS[name].dimensions), name


def test_every_metric_of_the_table_is_in_the_code():
    assert {name for _, name, _ in emitted()} == set(METRICS)


def test_the_runbook_has_the_table():
    """After a change of the table: what this expects is what belongs there."""
    expected = [
        f"| `{metric.name}` | {metric.kind}, {metric.unit} "
        f"| {', '.join(metric.dimensions) or '-'}{' + total' * metric.total} | {metric.meaning} "
        f"| `{prometheus.name(metric)}` |"
        for metric in TABLE
    ]
    text = (REPOSITORY / "deploy" / "runbook.md").read_text()
    part = text.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    assert [line for line in part.splitlines() if line.startswith("| `")] == expected
