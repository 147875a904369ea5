import ast
import io
import json
from pathlib import Path

import pytest
import structlog

from shared import metrics
from shared.metrics import METRICS, EmfMetrics, Kind, LogMetrics, NullMetrics

REPOSITORY = Path(__file__).parents[3]
# Named in the table, dashboards and alarms, not yet in the code. Whoever emits one takes it from here.
NOT_YET = {
    "fetches", "articles", "budget_left", "command_duration", "http_requests", "search_duration", "cache_reads",
    "database_pool_used", "database_pool_waiting",
}  # fmt: skip


@pytest.fixture
def emf():
    output = io.StringIO()
    writer = EmfMetrics(output)

    def lines():
        writer.flush()
        return [json.loads(line) for line in output.getvalue().splitlines()]

    return writer, lines


def test_counts_add_up_to_one_line_for_each_set_of_dimensions(emf):
    writer, lines = emf
    writer.count("source_calls", source="guardian", outcome="ok")
    writer.count("source_calls", 2, outcome="ok", source="guardian")
    writer.count("source_calls", source="reddit", outcome="ok")
    assert [(line["source"], line["source_calls"]) for line in lines()] == [("guardian", 3), ("reddit", 1)]


def test_a_line_is_what_cloudwatch_reads(emf):
    writer, lines = emf
    writer.gauge("queue_age", 7.5, queue="bulk")
    writer.gauge("queue_age", 3.5, queue="bulk")
    (line,) = lines()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "NewsIntel",
        "Dimensions": [["queue"]],
        "Metrics": [{"Name": "queue_age", "Unit": "Seconds"}],
    }
    assert isinstance(line["_aws"]["Timestamp"], int)
    assert line["queue_age"] == 3.5
    assert line["queue"] == "bulk"


def test_some_are_also_written_as_a_total(emf):
    writer, lines = emf
    writer.count("command_dead_lettered", command="FetchTopic")
    (line,) = lines()
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["command"], []]


def test_timings_stay_apart_and_fit_into_a_line(emf):
    writer, lines = emf
    for number in range(metrics.MAX_VALUES + 1):
        writer.timing("search_duration", number)
    assert [line["search_duration"] for line in lines()] == [
        list(range(metrics.MAX_VALUES)),
        metrics.MAX_VALUES,
    ]


def test_nothing_is_written_twice(emf):
    writer, lines = emf
    writer.count("asked_not_remembered")
    assert len(lines()) == len(lines()) == 1


def test_lines_are_written_whatever_the_log_level_is(emf):
    writer, lines = emf
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        writer.count("asked_not_remembered")
        assert lines()
    finally:
        structlog.reset_defaults()


def test_the_writers_are_interchangeable():
    for writer in (LogMetrics(), NullMetrics(), EmfMetrics(io.StringIO())):
        writer.count("asked_not_remembered")
        writer.gauge("queue_depth", 1, queue="bulk")
        writer.timing("search_duration", 1.5)
    assert isinstance(metrics.build("log"), LogMetrics)
    assert isinstance(metrics.build("emf"), EmfMetrics)


def test_each_unit_is_one_that_cloudwatch_knows():
    assert {metric.unit for metric in METRICS.values()} <= {"Count", "Seconds", "Milliseconds", "Percent"}


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
    assert {name for _, name, _ in emitted()} | NOT_YET == set(METRICS)
