"""The table of metrics against what the processes really say: in lines for CloudWatch, and to Prometheus."""

import json
import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.processes import free_port
from shared import prometheus
from shared.commands import Queue
from shared.metrics import METRICS, TABLE, TIERS
from shared.sources import SOURCES
from tests.eventually import eventually

AWS = Path(__file__).parents[2] / "deploy" / "aws"
# What no ordinary run has: something is out of order, over, or done by people who signed in.
NOT_IN_AN_ORDINARY_RUN = {
    "source_calls_withheld", "command_dead_lettered", "command_invalid", "topic_skipped", "tidied",
    "articles_dropped", "fetches_dropped", "search_months_dropped", "posts_purged", "recheck_failed",
    "sentiments_rescored",
    "cache_failed", "rate_limit_open", "search_not_recorded", "refresh_failed", "publish_failed",
    "asked_not_remembered", "sign_in_refused", "token_reused", "token_lost", "revocation_failed",
}  # fmt: skip
ORDINARY = set(METRICS) - NOT_IN_AN_ORDINARY_RUN


@pytest.fixture
def ports():
    return {name: free_port() for name in ("worker", "scheduler", "api")}


@pytest.fixture
def used(system, ports):
    """The system, with metrics for both, after the cadence, a cold search and repeated ones."""
    emf = {"NEWSINTEL_METRICS": "emf"}
    system.worker(NEWSINTEL_HEALTH_PORT=str(ports["worker"]), **emf)
    api = system.api(NEWSINTEL_METRICS_PORT=str(ports["api"]), **emf)
    other = system.api(**emf)
    api.get("/articles?sort=newest")
    assert api.get("/articles", params={"q": "climate"}).json()["articles"]
    system.wait_idle()
    # It measures as soon as it leads, so that there is something to measure now.
    system.scheduler(NEWSINTEL_HEALTH_PORT=str(ports["scheduler"]), **emf)
    eventually(lambda: system.query("SELECT 1 FROM fetches WHERE topic_id IS NOT NULL AND outcome = 'ok'"))
    system.wait_idle()
    for _ in range(2):
        api.get("/articles", params={"q": "climate"})
        answer = other.get("/articles", params={"q": "climate"})
        other.get("/articles", params={"q": "climate"}, headers={"If-None-Match": answer.headers["ETag"]})
    assert api.get("/articles?limit=0").status_code == 400
    return system


def told_to_prometheus(ports):
    """The names of all families, of all processes."""
    names = set()
    for port in ports.values():
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        names |= {family.name for family in text_string_to_metric_families(answer.text)}
    return names


def told_to_cloudwatch(system):
    """{(name, values of its dimensions)} of every line, each of which is as the table has it."""
    told = set()
    for log in system.logs.glob("*.log"):
        for text in log.read_text().splitlines():
            if '"_aws"' not in text:
                continue
            line = json.loads(text)
            [directive] = line["_aws"]["CloudWatchMetrics"]
            [named] = directive["Metrics"]
            metric = METRICS[named["Name"]]
            assert named["Unit"] == metric.unit
            assert named.get("StorageResolution") == (1 if metric.high_resolution else None)
            [dimensions] = directive["Dimensions"]
            assert dimensions == list(metric.dimensions) or (metric.total and not dimensions)
            values = line[metric.name] if isinstance(line[metric.name], list) else [line[metric.name]]
            assert all(value >= 0 for value in values)
            told.add((metric.name, *(line[dimension] for dimension in dimensions)))
    return told


def test_each_metric_of_the_table_is_told_to_prometheus_and_to_cloudwatch(used, ports):
    families = {prometheus.name(metric).removesuffix("_total") for metric in TABLE if metric.name in ORDINARY}
    eventually(lambda: families <= told_to_prometheus(ports))
    used.stop()
    told = told_to_cloudwatch(used)
    assert ORDINARY - {name for name, *_ in told} == set()
    # What the dashboard draws one by one.
    assert {("http_requests", status) for status in ("2xx", "3xx", "4xx")} <= told
    # What the api grows by.
    assert ("http_requests",) in told
    assert {("cache_reads", tier) for tier in TIERS} <= told
    assert {("articles", "guardian", fate) for fate in ("stored", "merged")} <= told
    assert {("database_pool_used", service) for service in ("api", "worker")} <= told
    assert {(name, source) for name in ("budget_left", "told_to_wait") for source in SOURCES} <= told
    assert {("queue_age", str(queue)) for queue in Queue} <= told


def test_readers_have_no_metrics(system):
    assert system.api().get("/metrics").status_code == 404


def test_whatever_is_watched_is_told_in_an_ordinary_run():
    """But for what rings when it is told at all."""
    text = "".join(path.read_text() for path in AWS.glob("*.py"))
    watched = set(re.findall(r'"(\w+)"', text)) & set(METRICS)
    assert len(watched) > 10
    assert watched - ORDINARY == {"command_dead_lettered"}
