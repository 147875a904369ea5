"""Mistakes that neither CDK, cdk-nag nor cfn-lint sees: checked on the synthesised template."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from deploy.aws import names
from deploy.aws.pipeline import ISSUER
from shared.metrics import NAMESPACE, TABLE

Resource = Mapping[str, Any]

# family, generation, an optional variant, and a size: cache.m7g.large, cache.t4g.micro
NODE_TYPE = re.compile(
    r"cache\.(t4g\.(micro|small|medium)|[mr][67]g\.(large|xlarge|[248]xlarge|1[26]xlarge)|r6gd\.\w+)"
)
# What AWS measures by, as far as we watch it: with any other set of dimensions an alarm waits for ever.
DIMENSIONS = {
    "AWS/ApplicationELB": ({"LoadBalancer"}, {"LoadBalancer", "TargetGroup"}),
    "AWS/ECS": ({"ClusterName", "ServiceName"},),
    "AWS/ElastiCache": ({"CacheClusterId"}, {"CacheClusterId", "CacheNodeId"}),
    "AWS/RDS": ({"DBInstanceIdentifier"},),
}
RULES = ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")
MINUTE = 60
HIGH_RESOLUTION = {(NAMESPACE, metric.name) for metric in TABLE if metric.high_resolution}
PASSWORD_IN_URL = re.compile(r"://[^/@]*:[^/@]+@")
# One repository, one branch: no star anywhere, and no organisation as a whole.
SUBJECT = re.compile(r"repo:[\w.-]+(@\d+)?/[\w.-]+(@\d+)?:ref:refs/heads/[\w./-]+")


def problems(template: Mapping[str, Any]) -> list[str]:
    """A sentence for each mistake, beginning with the resource's logical id."""
    found = [
        f"{name}: {problem}"
        for name, resource in template["Resources"].items()
        for check in CHECKS.get(resource["Type"], ())
        for problem in check(resource.get("Properties", {}))
    ]
    return [*found, *_equal_rules(template["Resources"])]


def _equal_rules(resources: Mapping[str, Resource]) -> Iterator[str]:
    """Of two equal rules the second one ends the deployment; CDK compares them before a port is known."""
    first: dict[str, str] = {}
    for name, resource in resources.items():
        if resource["Type"] in RULES:
            rule = {key: _port(value, resources) for key, value in resource["Properties"].items()}
            rule = {**rule, "Type": resource["Type"], "Description": ""}
            other = first.setdefault(json.dumps(rule, sort_keys=True), name)
            if other != name:
                yield f"{name}: is the same rule as {other}"


def _port(value: Any, resources: Mapping[str, Resource]) -> Any:
    """The number of a database's port; what is no such reference stays as it is."""
    resource, attribute = value.get("Fn::GetAtt", ("", "")) if isinstance(value, dict) else ("", "")
    if attribute != "Endpoint.Port":
        return value
    return int(resources[resource]["Properties"].get("Port", names.POSTGRES_PORT))


def _cache(cache: Resource) -> Iterator[str]:
    if not NODE_TYPE.fullmatch(str(cache.get("CacheNodeType"))):
        yield f"{cache.get('CacheNodeType')} is no cache node type"
    nodes = int(cache.get("NumCacheClusters", 1))
    if nodes < 2 and (cache.get("AutomaticFailoverEnabled") or cache.get("MultiAZEnabled")):  # noqa: PLR2004
        yield "fails over to a node that is not there"
    if nodes > 1 and not cache.get("AutomaticFailoverEnabled"):
        yield f"has {nodes} nodes and does not fail over"


def _alarm(alarm: Resource) -> Iterator[str]:
    periods = int(alarm["EvaluationPeriods"])
    if int(alarm.get("DatapointsToAlarm", periods)) > periods:
        yield f"wants {alarm['DatapointsToAlarm']} of {periods} datapoints and never rings"
    for query in alarm.get("Metrics") or []:
        if "SEARCH(" in query.get("Expression", ""):
            yield "searches for metrics, which only a dashboard can"
    stats = [query["MetricStat"] for query in alarm.get("Metrics") or [] if "MetricStat" in query]
    for metric in [stat["Metric"] | {"Period": stat["Period"]} for stat in stats] or [alarm]:
        told = DIMENSIONS.get(metric.get("Namespace", ""))
        dimensions = {dimension["Name"] for dimension in metric.get("Dimensions", [])}
        if told and dimensions not in told:
            yield f"{metric['Namespace']} measures nothing by {', '.join(sorted(dimensions))}"
        known = (metric.get("Namespace"), metric.get("MetricName"))
        if int(metric.get("Period", MINUTE)) < MINUTE and known not in HIGH_RESOLUTION:
            yield f"asks every {metric['Period']} s for what is kept by the minute"


def _target_group(group: Resource) -> Iterator[str]:
    interval = int(group.get("HealthCheckIntervalSeconds", 30))
    if int(group.get("HealthCheckTimeoutSeconds", 5)) >= interval:
        yield "a health check takes longer than the pause between two"


def _task(task: Resource) -> Iterator[str]:
    for container in task["ContainerDefinitions"]:
        check = container.get("HealthCheck")
        if check and int(check.get("Timeout", 5)) >= int(check.get("Interval", 30)):
            yield f"{container['Name']}: a health check takes longer than the pause between two"
        if container.get("Privileged") or container.get("User") in (None, "0", "root"):
            yield f"{container['Name']}: runs as root"
        if not container.get("ReadonlyRootFilesystem"):
            yield f"{container['Name']}: its root can be written to"
        for variable in container.get("Environment", []):
            if re.search(r"PASSWORD|SECRET|_KEYS?$|TOKEN", variable["Name"]) or PASSWORD_IN_URL.search(
                json.dumps(variable["Value"])
            ):
                yield f"{container['Name']}: {variable['Name']} is a secret in plain sight"


def _role(role: Resource) -> Iterator[str]:
    for statement in role["AssumeRolePolicyDocument"]["Statement"]:
        if statement["Action"] != "sts:AssumeRoleWithWebIdentity":
            continue
        exact = statement.get("Condition", {}).get("StringEquals", {})
        if exact.get(f"{ISSUER}:aud") != "sts.amazonaws.com":
            yield "trusts tokens that were made for somebody else"
        if not SUBJECT.fullmatch(str(exact.get(f"{ISSUER}:sub"))):
            yield f"trusts {exact.get(f'{ISSUER}:sub')}, not one branch of one repository"


def _scaling(target: Resource) -> Iterator[str]:
    if int(target["MinCapacity"]) > int(target["MaxCapacity"]):
        yield "its least is more than its most"


CHECKS: Mapping[str, tuple[Callable[[Resource], Iterator[str]], ...]] = {
    "AWS::ElastiCache::ReplicationGroup": (_cache,),
    "AWS::CloudWatch::Alarm": (_alarm,),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (_target_group,),
    "AWS::ECS::TaskDefinition": (_task,),
    "AWS::IAM::Role": (_role,),
    "AWS::ApplicationAutoScaling::ScalableTarget": (_scaling,),
}
