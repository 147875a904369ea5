"""The table of metrics against what the processes really say: in lines for CloudWatch, and to Prometheus."""

import json
import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared import prometheus
from shared.metrics import METRICS, TABLE
from tests.e2e.conftest import eventually, free_port

AWS = Path(__file__).parents[2] / "deploy" / "aws"
# What no ordinary run has: something is out of order, over, or done by people who signed in.
NOT_IN_AN_ORDINARY_RUN = {
    "source_calls_withheld", "command_dead_lettered", "command_invalid", "topic_skipped", "tidied",
    "articles_dropped", "search_months_dropped", "posts_purged", "recheck_failed", "sentiments_rescored",
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
    api = system.api(NEWSINTEL_COLD_WAIT_SECONDS="8", NEWSINTEL_METRICS_PORT=str(ports["api"]), **emf)
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


def emf_lines(system):
    for log in system.logs.glob("*.log"):
        for line in log.read_text().splitlines():
            if '"_aws"' in line:
                yield json.loads(line)


def test_each_metric_of_the_table_is_told_to_cloudwatch_with_its_dimensions(used):
    used.stop()
    seen = set()
    for line in emf_lines(used):
        [directive] = line["_aws"]["CloudWatchMetrics"]
        [told] = directive["Metrics"]
        metric = METRICS[told["Name"]]
        assert directive["Dimensions"][0] == list(metric.dimensions)
        assert all(isinstance(line[dimension], str) for dimension in metric.dimensions)
        values = line[metric.name] if isinstance(line[metric.name], list) else [line[metric.name]]
        assert all(value >= 0 for value in values)
        seen |= {(metric.name, *(line[dimension] for dimension in metric.dimensions))}
    assert ORDINARY - {name for name, *_ in seen} == set()
    # What the dashboard draws by name has these values.
    assert {("http_requests", status) for status in ("2xx", "3xx", "4xx")} <= seen
    assert {("cache_reads", tier) for tier in ("memory", "redis", "database")} <= seen
    assert {("articles", "guardian", fate) for fate in ("stored", "merged")} <= seen
    assert {("database_pool_used", service) for service in ("api", "worker", "scheduler")} <= seen
    assert {("budget_left", source) for source in ("newsapi", "guardian", "reddit")} <= seen
    assert {("queue_age", queue) for queue in ("interactive", "bulk")} <= seen


def test_whatever_is_watched_is_told_in_an_ordinary_run():
    """But for what rings when it is told at all."""
    text = "".join(path.read_text() for path in AWS.glob("*.py"))
    watched = set(re.findall(r'"(\w+)"', text)) & set(METRICS)
    assert len(watched) > 10
    assert watched - ORDINARY == {"command_dead_lettered"}


def test_prometheus_is_told_the_same_by_each_process_and_by_nobody_at_the_readers_port(used, ports):
    def told():
        families = {}
        for port in ports.values():
            answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            families |= {family.name: family for family in text_string_to_metric_families(answer.text)}
        return families

    names = {prometheus.name(metric).removesuffix("_total") for metric in TABLE if metric.name in ORDINARY}
    assert eventually(lambda: not names - set(told()))
    [cached] = {client.base_url for client in used._clients[:1]}
    assert httpx.get(f"{cached}/metrics").status_code == 404
