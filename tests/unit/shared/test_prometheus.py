"""The text format, read by the reference implementation's own parser."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared import prometheus
from shared.meter import Meter
from shared.metrics import TABLE, Kind


@pytest.fixture
def meter():
    return Meter()


def read(meter):
    """{name: family}"""
    text = prometheus.exposition(meter).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def samples(family):
    return {(sample.name, *sample.labels.values()): sample.value for sample in family.samples}


def test_every_metric_of_the_table_becomes_a_family_of_its_kind(meter):
    for metric in TABLE:
        dimensions = dict.fromkeys(metric.dimensions, "x")
        getattr(meter, metric.kind)(metric.name, 2, **dimensions)
    families = read(meter)
    assert len(families) == len(TABLE)
    types = {Kind.COUNT: "counter", Kind.GAUGE: "gauge", Kind.TIMING: "histogram"}
    for metric in TABLE:
        family = families[prometheus.name(metric).removesuffix("_total")]
        assert (family.type, family.documentation) == (types[metric.kind], metric.meaning)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.dimensions)


def test_numbers_are_the_same_in_the_units_of_prometheus(meter):
    meter.count("fetches", 3, source="guardian", outcome="ok")
    meter.gauge("budget_left", 62.5, source="guardian")
    meter.gauge("queue_age", 3.5, queue="bulk")
    families = read(meter)
    assert samples(families["newsintel_fetches"]) == {("newsintel_fetches_total", "guardian", "ok"): 3}
    assert (
        samples(families["newsintel_budget_left_ratio"])["newsintel_budget_left_ratio", "guardian"] == 0.625
    )
    assert samples(families["newsintel_queue_age_seconds"])["newsintel_queue_age_seconds", "bulk"] == 3.5


def test_timings_are_a_histogram(meter):
    for milliseconds in (0.05, 5.0, 40.0, 10**6):
        meter.timing("search_duration", milliseconds)
    found = samples(read(meter)["newsintel_search_duration_seconds"])
    name = "newsintel_search_duration_seconds"
    buckets = [(float(key[1]), value) for key, value in found.items() if key[0] == f"{name}_bucket"]
    assert buckets == sorted(buckets)
    assert [value for _, value in buckets] == sorted(value for _, value in buckets)
    counts = dict(buckets)
    assert (counts[0.0001], counts[0.1], counts[100.0], counts[float("inf")]) == (1, 3, 3, 4)
    assert len(counts) == 32
    assert found[f"{name}_count",] == 4
    assert found[f"{name}_sum",] == pytest.approx(1000.04505)


def test_a_gauge_that_nobody_renews_is_not_told(meter, monkeypatch):
    meter.gauge("scheduler_leads", 1)
    assert "newsintel_scheduler_leads" in read(meter)
    monkeypatch.setattr(prometheus, "FRESH_SECONDS", 0)
    assert read(meter) == {}


def test_whatever_a_label_says_stays_one_label(meter):
    meter.count("tidied", what='a "b" \\ c\nd')
    assert samples(read(meter)["newsintel_tidied"]) == {("newsintel_tidied_total", 'a "b" \\ c\nd'): 1}
