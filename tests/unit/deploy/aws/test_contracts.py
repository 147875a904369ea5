"""The linters' blind spots: each planted mistake is found, and ours has none."""

import copy
import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from api.auth.tokens import Keyring
from deploy.aws import names
from deploy.aws.contracts import problems
from deploy.aws.queries import QUERIES
from ingest.seal import Seal
from shared.metrics import METRICS, NAMESPACE

REPOSITORY = Path(__file__).parents[4]
RUNBOOK = REPOSITORY / "deploy" / "runbook.md"


def test_ours_have_none(templates):
    for template in templates.values():
        assert problems(template) == []


def planted(template, kind, **changes):
    """The template with one resource of that kind changed."""
    changed = copy.deepcopy(template)
    resource = next(r for r in changed["Resources"].values() if r["Type"] == kind)
    for name, value in changes.items():
        if callable(value):
            value(resource["Properties"])
        else:
            resource["Properties"][name] = value
    return changed


CACHE = "AWS::ElastiCache::ReplicationGroup"
ALARM = "AWS::CloudWatch::Alarm"
SERVICE = [{"Name": "ClusterName", "Value": "x"}, {"Name": "ServiceName", "Value": "x"}]
TARGETS = "AWS::ElasticLoadBalancingV2::TargetGroup"
TASK = "AWS::ECS::TaskDefinition"


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        (CACHE, {"CacheNodeType": "cache.t9.enormous"}, "no cache node type"),
        (CACHE, {"NumCacheClusters": 1}, "fails over to a node that is not there"),
        (CACHE, {"AutomaticFailoverEnabled": False}, "does not fail over"),
        (ALARM, {"EvaluationPeriods": 2, "DatapointsToAlarm": 3}, "never rings"),
        (ALARM, {"Metrics": [{"Id": "a", "Expression": "SUM(SEARCH('x', 'Sum'))"}]}, "only a dashboard can"),
        (
            ALARM,
            {
                "Metrics": None,
                "Namespace": "AWS/ElastiCache",
                "Dimensions": [{"Name": "ReplicationGroupId", "Value": "x"}],
                "Period": 60,
            },
            "measures nothing by ReplicationGroupId",
        ),
        (
            ALARM,
            {"Metrics": None, "Namespace": "AWS/ECS", "Dimensions": SERVICE, "Period": 10},
            "by the minute",
        ),
        (
            ALARM,
            {"Metrics": None, "Namespace": "NewsIntel", "MetricName": "fetches", "Period": 10},
            "by the minute",
        ),
        (TARGETS, {"HealthCheckTimeoutSeconds": 20}, "takes longer than the pause"),
        (TASK, {"a": lambda p: p["ContainerDefinitions"][0].update(User="root")}, "runs as root"),
        (
            TASK,
            {"a": lambda p: p["ContainerDefinitions"][0].update(ReadonlyRootFilesystem=False)},
            "can be written to",
        ),
        (
            TASK,
            {"a": lambda p: p["ContainerDefinitions"][0].update(HealthCheck={"Timeout": 60})},
            "takes longer than the pause",
        ),
        (
            TASK,
            {
                "a": lambda p: p["ContainerDefinitions"][0]["Environment"].append(
                    {"Name": "NEWSINTEL_GUARDIAN_KEY", "Value": "x"}
                )
            },
            "in plain sight",
        ),
        (
            TASK,
            {
                "a": lambda p: p["ContainerDefinitions"][0]["Environment"].append(
                    {"Name": "NEWSINTEL_DATABASE_URL", "Value": "postgresql://api:pass@host/news"}
                )
            },
            "in plain sight",
        ),
        ("AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 11}, "more than its most"),
    ],
)
def test_a_planted_mistake_is_found(templates, kind, changes, sentence):
    found = problems(planted(templates["production", "NewsIntel"], kind, **changes))
    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize("kind", ["Ingress", "Egress"])
def test_a_rule_that_is_there_twice_is_found_also_when_one_port_is_not_known_yet(templates, kind):
    changed = copy.deepcopy(templates["small", "NewsIntel"])
    rules = [r for r in changed["Resources"].values() if r["Type"] == f"AWS::EC2::SecurityGroup{kind}"]
    twin = copy.deepcopy(next(r for r in rules if r["Properties"]["FromPort"] == names.POSTGRES_PORT))
    (database,) = [n for n, r in changed["Resources"].items() if r["Type"] == "AWS::RDS::DBInstance"]
    port = {"Fn::GetAtt": [database, "Endpoint.Port"]}
    twin["Properties"] |= {"FromPort": port, "ToPort": port, "Description": "in other words"}
    changed["Resources"]["Twin"] = twin
    (found,) = problems(changed)
    assert found.startswith("Twin: is the same rule as Network")


@pytest.mark.parametrize(
    "subject",
    ["repo:example/*", "repo:example/newsintel:*", "repo:*", "repo:example/newsintel:ref:refs/heads/*", None],
)
def test_a_trust_in_more_than_one_branch_is_found(pipeline, subject):
    def widen(role):
        condition = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]
        condition["token.actions.githubusercontent.com:sub"] = subject

    found = problems(planted(pipeline, "AWS::IAM::Role", a=widen))
    assert len(found) == 1
    assert "not one branch" in found[0]


# The metrics of a dashboard and of alarms are made through deploy.aws.metrics, which knows no others ---------------
def test_a_metric_that_the_code_does_not_emit_cannot_be_watched():
    from deploy.aws import metrics

    for name, dimensions in (
        ("queue_agee", {"queue": "bulk"}),
        ("queue_age", {}),
        ("queue_age", {"source": "x"}),
    ):
        with pytest.raises(LookupError):
            metrics.of(name, **dimensions)


def watched(template):
    """(name, dimensions) of each metric of ours in an alarm or on the dashboard, however it came there."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == ALARM:
            stats = [query.get("MetricStat", {}).get("Metric", {}) for query in properties.get("Metrics", [])]
            for metric in [properties, *stats]:
                if metric.get("Namespace") == NAMESPACE:
                    yield metric["MetricName"], {d["Name"] for d in metric.get("Dimensions", [])}
        if resource["Type"] == "AWS::CloudWatch::Dashboard":
            body = "".join(
                part if isinstance(part, str) else "x" for part in properties["DashboardBody"]["Fn::Join"][1]
            )
            for widget in json.loads(body)["widgets"]:
                for namespace, name, *rest in widget["properties"].get("metrics", []):
                    if namespace == NAMESPACE:
                        yield name, set(rest[:-1:2] if isinstance(rest[-1], dict) else rest[::2])


def test_every_watched_metric_is_in_the_table_with_its_dimensions(templates):
    for size in ("small", "production"):
        found = list(watched(templates[size, "NewsIntel"]))
        assert len(found) > 40
        for name, dimensions in found:
            metric = METRICS[name]
            assert dimensions == set(metric.dimensions) or (metric.total and not dimensions), name


def test_every_alarm_has_its_part_of_the_runbook(templates):
    anchors = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in RUNBOOK.read_text().splitlines()
        if line.startswith("#")
    }
    for template in templates.values():
        for resource in template["Resources"].values():
            name = resource.get("Properties", {}).get("AlarmName")
            if name:
                description = resource["Properties"]["AlarmDescription"]
                assert description.rpartition("#")[2] in anchors, name


def test_the_runbook_names_every_query():
    text = RUNBOOK.read_text()
    assert [query.name for query in QUERIES if f"`newsintel/{query.name}`" not in text] == []


def test_the_runbook_finds_the_routes_of_the_workers_subnets(templates):
    filters = re.search(
        r"describe-route-tables --filters '?Name=tag:([\w:-]+),Values=([^'`]+)", RUNBOOK.read_text()
    )
    tables = [
        {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]}
        for resource in templates["small", "NewsIntel"]["Resources"].values()
        if resource["Type"] == "AWS::EC2::RouteTable"
    ]
    found = [tags["Name"] for tags in tables if fnmatch.fnmatchcase(tags.get(filters[1], ""), filters[2])]
    assert [name.rpartition("/")[2] for name in found] == ["workerSubnet1", "workerSubnet2"]


def test_the_runbook_makes_keys_out_of_the_standard_library():
    said = dict(re.findall(r"`(\w+)` with `python3 -c '([^']+)'`", RUNBOOK.read_text()))
    made = {
        setting: subprocess.run(
            [sys.executable, "-ISc", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        for setting, code in said.items()
    }
    assert Keyring(made["session_keys"]).configured
    assert Seal(made["seal_keys"]).ready
