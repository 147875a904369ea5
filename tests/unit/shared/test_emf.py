"""Lines that CloudWatch reads: what came since the line before, within its limits."""

import io
import json

import pytest
import structlog

from shared import emf
from shared.emf import MAX_VALUES, Lines
from shared.meter import BOUNDS, Meter
from tests.eventually import eventually


@pytest.fixture
def written():
    """(a meter, a function that writes once more and returns all lines so far)"""
    output, meter = io.StringIO(), Meter()
    lines = Lines(meter, output)

    def write():
        lines.write()
        return [json.loads(line) for line in output.getvalue().splitlines()]

    return meter, write


def test_a_line_is_what_cloudwatch_reads(written):
    meter, write = written
    meter.gauge("queue_age", 3.5, queue="bulk")
    (line,) = write()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "NewsIntel",
        "Dimensions": [["queue"]],
        "Metrics": [{"Name": "queue_age", "Unit": "Seconds"}],
    }
    assert isinstance(line["_aws"]["Timestamp"], int)
    assert line["queue_age"] == 3.5
    assert line["queue"] == "bulk"


def test_the_total_of_some_is_one_value_more(written):
    """An Average without dimensions is what one process counted between two lines, however many dimensions it used."""
    meter, write = written
    meter.count("http_requests", 3, status="2xx")
    meter.count("http_requests", 2, status="4xx")
    *lines, total = write()
    assert [line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for line in lines] == [[["status"]]] * 2
    assert [line["http_requests"] for line in lines] == [3, 2]
    assert total["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]
    assert total["http_requests"] == 5
    assert "status" not in total
    meter.count("http_requests", 4, status="4xx")
    assert [line["http_requests"] for line in write()[3:]] == [4, 4]


def test_a_metric_of_high_resolution_says_so(written):
    meter, write = written
    meter.count("http_requests", status="2xx")
    meter.count("cache_reads", tier="redis")
    definitions = [line["_aws"]["CloudWatchMetrics"][0]["Metrics"] for line in write()]
    high = {"Name": "http_requests", "Unit": "Count", "StorageResolution": 1}
    assert definitions == [[high], [{"Name": "cache_reads", "Unit": "Count"}], [high]]


def test_a_line_has_what_came_since_the_one_before(written):
    meter, write = written
    for number in (2, 3):
        meter.count("answers_dropped", number)
        meter.timing("search_duration", 1.0)
        meter.gauge("queue_depth", 4, queue="bulk")
        lines = write()
    assert write() == lines
    assert [line["answers_dropped"] for line in lines if "answers_dropped" in line] == [2, 3]
    assert [line["search_duration"] for line in lines if "search_duration" in line] == [1.0, 1.0]
    # The same level again is news: a gauge that falls silent is an alarm.
    assert [line["queue_depth"] for line in lines if "queue_depth" in line] == [4, 4]


def test_what_was_counted_as_nothing_is_no_line(written):
    meter, write = written
    meter.count("articles", 0, source="guardian", fate="merged")
    assert write() == []


def test_timings_stay_apart_and_fit_into_a_line_whatever_their_number(written):
    meter, write = written
    for bound in BOUNDS[:MAX_VALUES]:
        meter.timing("search_duration", bound)
    assert write()[-1]["search_duration"] == list(BOUNDS[:MAX_VALUES])
    for _ in range(9_850):
        meter.timing("search_duration", 1.0)
    for _ in range(150):
        meter.timing("search_duration", 100.0)
    line = write()[-1]
    assert len(line["search_duration"]) == MAX_VALUES
    assert sorted(line["search_duration"]) == line["search_duration"]
    assert line["search_duration"].count(100.0) == 2
    assert line["slowest"] == 100.0


def test_what_takes_longer_than_every_bound_is_told_as_the_last(written):
    meter, write = written
    meter.timing("search_duration", 10 * BOUNDS[-1])
    assert write()[0]["search_duration"] == BOUNDS[-1]


def test_lines_are_written_whatever_the_log_level_is_and_at_the_end(monkeypatch):
    monkeypatch.setattr(emf, "FLUSH_SECONDS", 3_600)
    output, meter = io.StringIO(), Meter()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        with emf.written(meter, on=True, output=output):
            meter.count("answers_dropped")
            assert output.getvalue() == ""
    finally:
        structlog.reset_defaults()
    assert json.loads(output.getvalue())["answers_dropped"] == 1


def test_lines_are_written_meanwhile(monkeypatch):
    monkeypatch.setattr(emf, "FLUSH_SECONDS", 0.001)
    output, meter = io.StringIO(), Meter()
    with emf.written(meter, on=True, output=output):
        meter.count("answers_dropped")
        eventually(output.getvalue)


def test_switched_off_nothing_is_written():
    output, meter = io.StringIO(), Meter()
    with emf.written(meter, on=False, output=output):
        meter.count("answers_dropped")
    assert output.getvalue() == ""
