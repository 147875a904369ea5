"""What CloudFormation would be given, beside what the issues and the design ask for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from aws_cdk.assertions import Match, Template

from api.asgi import KEEP_ALIVE_SECONDS
from deploy.aws import app, names
from deploy.aws.contracts import problems
from migrations.roles import RolesSettings
from shared import metrics
from shared.config import PREFIX, ApiSettings, IngestSettings, MigrationSettings
from shared.emf import FLUSH_SECONDS
from shared.errors import UnreachableError
from shared.sources import SOURCES

RUNBOOK = Path(app.__file__).parents[1] / "runbook.md"


@pytest.fixture
def asserted(system):
    return Template.from_json(system)


def resources(template, kind):
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def containers(template):
    return {
        container["Name"]: container
        for task in resources(template, "AWS::ECS::TaskDefinition").values()
        for container in task["ContainerDefinitions"]
    }


def test_cfn_lint_finds_nothing(template_files):
    files = [path for stacks in template_files.values() for path in stacks.values()]
    # W3010: the zones are named on purpose; W3005: CDK's own doubled dependency.
    command = [
        Path(sys.executable).with_name("cfn-lint"),
        "-r",
        "eu-west-1",
        "-i",
        "W3010",
        "W3005",
        "-t",
        *files,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_command_of_cdk_json_leaves_the_assembly_where_the_cli_looks_for_it(tmp_path, options):
    """The CLI runs it in its own folder, tells a relative path, and lets cdk.json win over cdk.context.json."""
    directory = Path(app.__file__).parent
    cdk = json.loads((directory / "cdk.json").read_text())
    assert set(cdk) == {"app"}
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CDK_OUTDIR": os.path.relpath(tmp_path / "cdk.out", directory),
        "CDK_CONTEXT_JSON": json.dumps({**options, "size": "production"}),
    }
    subprocess.run(["/bin/sh", "-c", cdk["app"]], cwd=directory, env=environment, check=True)
    assert (tmp_path / "cdk.out" / "manifest.json").exists()


def test_two_services_that_go_back_by_themselves(asserted):
    asserted.resource_count_is("AWS::ECS::Service", 2)
    asserted.all_resources_properties(
        "AWS::ECS::Service",
        {
            "LaunchType": "FARGATE",
            "DeploymentConfiguration": {
                "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
                "MinimumHealthyPercent": 100,
                "MaximumPercent": 200,
            },
            "NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "DISABLED"}},
        },
    )


def test_the_api_scales_from_2_to_10_on_cpu(asserted):
    asserted.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 2, "MaxCapacity": 10}
    )
    asserted.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        {
            "TargetTrackingScalingPolicyConfiguration": {
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
                "TargetValue": 70,
            }
        },
    )


def test_the_api_scales_on_the_requests_of_one_task_within_90_seconds(asserted, system):
    alarms = resources(system, "AWS::CloudWatch::Alarm")
    (alarm,) = [alarm for alarm in alarms.values() if alarm.get("MetricName") == "http_requests"]
    assert "Dimensions" not in alarm
    # The average of what tasks write is the requests of one task only in periods in which each writes once.
    assert (alarm["Statistic"], alarm["Period"]) == ("Average", FLUSH_SECONDS)
    # A load that begins right after a line has its first whole period when two have passed; then CloudWatch looks.
    decided = (2 + alarm["EvaluationPeriods"] + 1) * alarm["Period"]
    assert decided + 30 <= 90, "half a minute is for the way of a line and of the action"
    # A task that no reader asks is in the average, because the balancer asks it.
    asserted.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup", {"HealthCheckIntervalSeconds": FLUSH_SECONDS}
    )
    (action,) = alarm["AlarmActions"]
    policy = resources(system, "AWS::ApplicationAutoScaling::ScalingPolicy")[action["Ref"]]
    limit = alarm["Threshold"]
    assert policy["StepScalingPolicyConfiguration"] == {
        "AdjustmentType": "ChangeInCapacity",
        "Cooldown": 60,
        "MetricAggregationType": "Average",
        "StepAdjustments": [
            {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": limit, "ScalingAdjustment": 2},
            {"MetricIntervalLowerBound": limit, "ScalingAdjustment": 4},
        ],
    }


def test_what_the_steps_add_stays_for_as_long_as_the_requests_do(asserted, system):
    """The balancer counts by the minute; were it as many as begin the steps, a load just there would swing."""
    alarms = resources(system, "AWS::CloudWatch::Alarm").values()
    (begin,) = [a["Threshold"] for a in alarms if a.get("MetricName") == "http_requests"]
    policies = [
        policy["TargetTrackingScalingPolicyConfiguration"]
        for policy in resources(system, "AWS::ApplicationAutoScaling::ScalingPolicy").values()
        if policy["PolicyType"] == "TargetTrackingScaling"
    ]
    assert not any(policy.get("DisableScaleIn") for policy in policies), "it would agree to nothing"
    (hold,) = [p for p in policies if "ResourceLabel" in p["PredefinedMetricSpecification"]]
    assert hold["PredefinedMetricSpecification"]["PredefinedMetricType"] == "ALBRequestCountPerTarget"
    assert 0.7 < hold["TargetValue"] / (begin * 60 / FLUSH_SECONDS) < 0.9


def test_the_api_keeps_a_connection_longer_than_the_balancer(system):
    (balancer,) = resources(system, "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    attributes = {each["Key"]: each["Value"] for each in balancer["LoadBalancerAttributes"]}
    assert int(attributes["idle_timeout.timeout_seconds"]) < KEEP_ALIVE_SECONDS


def test_without_a_schema_the_scaling_starts_no_task_either(options, tmp_path):
    given = {**options, "size": "production", "desired": "0"}
    template = app.build(given, outdir=str(tmp_path)).synth().get_stack_by_name("NewsIntel").template
    targets = resources(template, "AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert [target["MinCapacity"] for target in targets] == [0, 0]
    services = resources(template, "AWS::ECS::Service").values()
    assert [service["DesiredCount"] for service in services] == [0, 0]


def test_the_worker_scales_on_queue_age(asserted):
    for queue in ("interactive", "bulk"):
        asserted.has_resource_properties(
            "AWS::CloudWatch::Alarm",
            {
                "MetricName": "queue_age",
                "Dimensions": [{"Name": "queue", "Value": queue}],
                "AlarmActions": Match.any_value(),
                "AlarmName": Match.absent(),
            },
        )


def test_the_balancer_asks_whether_the_api_lives_on_its_port(asserted, system):
    asserted.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "HealthCheckPath": names.ALIVE_PATH,
            "Port": names.API_PORT,
            "TargetGroupAttributes": Match.array_with(
                [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
            ),
        },
    )
    api = containers(system)["api"]
    assert api["PortMappings"] == [{"ContainerPort": names.API_PORT, "Protocol": "tcp"}]
    assert {"Name": "NEWSINTEL_PORT", "Value": str(names.API_PORT)} in api["Environment"]


def test_a_lost_database_replaces_no_task_of_the_api(system):
    """What the api tells a container's own check fails with the database; the workers answer for themselves."""
    checked = {name for name, container in containers(system).items() if "HealthCheck" in container}
    assert checked == {"interactive", "bulk", "scheduler"}


def test_readers_get_tls_and_nothing_else(asserted):
    asserted.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {"Port": 443, "Protocol": "HTTPS", "SslPolicy": Match.string_like_regexp("TLS13")},
    )
    asserted.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::Listener",
        {"Port": 80, "DefaultActions": [Match.object_like({"Type": "redirect"})]},
    )


def test_every_container_is_hardened(system):
    for name, container in containers(system).items():
        assert container["User"] == "10001:10001", name
        assert container["ReadonlyRootFilesystem"] is True, name
        assert container["LinuxParameters"]["Capabilities"]["Drop"] == ["ALL"], name
        assert container["StopTimeout"] == 60, name


def test_a_busy_minute_of_lines_is_kept_when_the_log_is_away(system):
    """The metrics are among them, and what the api grows by."""
    for name, container in containers(system).items():
        options = container["LogConfiguration"]["Options"]
        assert options["mode"] == "non-blocking", name
        assert int(options["max-buffer-size"].rstrip("b")) >= 10 * 2**20, name


def names_of(container, kind):
    return {each["Name"] for each in container.get(kind, [])}


def test_secrets_go_in_by_reference_and_each_process_gets_only_its_own(system):
    def secrets(name):
        return names_of(containers(system)[name], "Secrets")

    both = {"PGPASSWORD", "NEWSINTEL_REDIS_URL"}
    assert secrets("api") == both | {"NEWSINTEL_SESSION_KEYS", "NEWSINTEL_REDDIT_CLIENT_ID"}
    keys = {names.env(name) for name in names.SOURCE_SECRETS}
    for name in ("interactive", "bulk", "scheduler", "cli"):
        assert secrets(name) == both | keys | {"NEWSINTEL_SEAL_KEYS"}
    assert secrets("migrate") == {"PGPASSWORD"}


# What an empty string is right for, in production too.
MAY_BE_EMPTY = {"cors_origins"}
SETTINGS = {
    "api": ApiSettings,
    "interactive": IngestSettings,
    "bulk": IngestSettings,
    "scheduler": IngestSettings,
    "cli": IngestSettings,
    "migrate": MigrationSettings,
    "roles": RolesSettings,
}


def test_every_setting_that_production_needs_has_a_source(system):
    """Needed: what has no default, and what means "not here" by default, which is a machine of one's own."""
    assert set(SETTINGS) == set(containers(system))
    for name, container in containers(system).items():
        fields = msgspec.structs.fields(SETTINGS[name])
        needed = {f.name for f in fields if f.required or f.default == ""} - MAY_BE_EMPTY
        given = names_of(container, "Environment") | names_of(container, "Secrets")
        assert {f"{PREFIX}{setting.upper()}" for setting in needed} <= given, name


def test_no_container_is_given_what_its_process_does_not_read(system):
    for name, container in containers(system).items():
        known = {PREFIX + f.name.upper() for f in msgspec.structs.fields(SETTINGS[name])}
        given = names_of(container, "Environment") | names_of(container, "Secrets")
        assert given - known <= {"PGPASSWORD"}, name


def test_the_api_knows_its_address_and_believes_the_balancer_alone(system):
    environment = {each["Name"]: each["Value"] for each in containers(system)["api"]["Environment"]}
    assert environment["NEWSINTEL_PUBLIC_URL"] == "https://news.example.org"
    public = {
        subnet["CidrBlock"]
        for logical, subnet in resources(system, "AWS::EC2::Subnet").items()
        if logical in subnets(system, "public")
    }
    assert set(environment["NEWSINTEL_TRUSTED_PROXIES"].split(",")) == public


def test_the_containers_of_one_task_do_not_share_a_health_port(system):
    worker = [containers(system)[name] for name in ("interactive", "bulk", "scheduler")]
    ports = [v["Value"] for c in worker for v in c["Environment"] if v["Name"] == "NEWSINTEL_HEALTH_PORT"]
    assert len(set(ports)) == 3


def test_the_database_is_private_encrypted_and_can_go_back_in_time(asserted, templates):
    asserted.has_resource_properties(
        "AWS::RDS::DBInstance",
        {
            "PubliclyAccessible": False,
            "StorageEncrypted": True,
            "DeletionProtection": True,
            "EngineVersion": Match.string_like_regexp("^18"),
        },
    )
    for size, several in (("small", False), ("production", True)):
        (database,) = resources(templates[size, "NewsIntel"], "AWS::RDS::DBInstance").values()
        assert database["MultiAZ"] is several
        assert database["BackupRetentionPeriod"] >= 7


def test_the_databases_secrets_rotate(asserted):
    asserted.resource_count_is("AWS::SecretsManager::RotationSchedule", 1 + len(names.ROLES))
    asserted.all_resources_properties(
        "AWS::SecretsManager::RotationSchedule", {"RotateImmediatelyOnUpdate": False}
    )


def test_secrets_that_operators_fill_in_are_written_over_when_these_change_so_keep_their_keys_first(system):
    """CloudFormation writes the whole string anew when a field comes, goes or moves, and every key is empty then.

    Before these lines change: deploy/runbook.md, Rotation, says how the keys are kept and put back.
    """
    filled_in = {
        secret["Name"]: secret["SecretString"]
        for secret in resources(system, "AWS::SecretsManager::Secret").values()
        if isinstance(secret.get("SecretString"), str)
    }
    assert filled_in == {
        "newsintel/sources": '{"newsapi_key":"","guardian_key":"","reddit_client_id":"","reddit_client_secret":""}',
        "newsintel/sign-in/api": '{"session_keys":"","reddit_client_id":""}',
        "newsintel/sign-in/worker": '{"seal_keys":""}',
    }


def test_both_services_get_new_tasks_after_a_rotation(asserted, system):
    asserted.has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": Match.object_like(
                {"detail": Match.object_like({"eventName": ["RotationSucceeded"]})}
            )
        },
    )
    (machine,) = resources(system, "AWS::StepFunctions::StateMachine").values()
    assert json.dumps(machine["DefinitionString"]).count("ecs:updateService") == 2


def test_a_failed_rotation_wakes_someone(asserted):
    asserted.has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": Match.object_like(
                {"detail": Match.object_like({"eventName": ["RotationFailed"]})}
            ),
            "Targets": [Match.object_like({"Arn": {"Ref": Match.string_like_regexp("^WatchAlarms")}})],
        },
    )


def test_the_cache_wants_tls_and_knows_two_users(asserted, system):
    asserted.has_resource_properties(
        "AWS::ElastiCache::ReplicationGroup",
        {"Engine": "valkey", "TransitEncryptionEnabled": True, "AtRestEncryptionEnabled": True},
    )
    acls = {u["UserName"]: u["AccessString"] for u in resources(system, "AWS::ElastiCache::User").values()}
    assert acls == {"api": names.ACL_API, "worker": names.ACL_WORKER}


def test_no_password_is_in_a_template(templates):
    for template in templates.values():
        text = json.dumps(template)
        assert "rediss://" in text or "AWS::ElastiCache" not in text
        for user in resources(template, "AWS::ElastiCache::User").values():
            assert "resolve:secretsmanager" in json.dumps(user["AuthenticationMode"]["Passwords"])


def subnets(template, name):
    return [
        logical
        for logical, subnet in resources(template, "AWS::EC2::Subnet").items()
        if {"Key": "aws-cdk:subnet-name", "Value": name} in subnet["Tags"]
    ]


def test_only_the_workers_subnets_have_a_way_out(system):
    tables = {
        a["SubnetId"]["Ref"]: a["RouteTableId"]["Ref"]
        for a in resources(system, "AWS::EC2::SubnetRouteTableAssociation").values()
    }
    ways_out = {
        route["RouteTableId"]["Ref"]: "NatGatewayId" in route
        for route in resources(system, "AWS::EC2::Route").values()
        if route["DestinationCidrBlock"] == "0.0.0.0/0"
    }
    for name, expected in (("api", {None}), ("data", {None}), ("worker", {True}), ("public", {False})):
        found = subnets(system, name)
        assert len(found) == 2
        assert {ways_out.get(tables[subnet]) for subnet in found} == expected, name


def test_the_endpoints_are_no_way_out(system):
    for endpoint in resources(system, "AWS::EC2::VPCEndpoint").values():
        (statement,) = endpoint["PolicyDocument"]["Statement"]
        if endpoint["VpcEndpointType"] == "Gateway":
            assert statement["Action"] == "s3:GetObject"
            assert "prod-eu-west-1-starport-layer-bucket/*" in json.dumps(statement["Resource"])
        else:
            assert statement["Condition"] == {
                "StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}
            }


def test_the_database_and_the_cache_let_only_the_two_services_in(system):
    rules = [
        (rule["GroupId"]["Fn::GetAtt"][0], rule["SourceSecurityGroupId"]["Fn::GetAtt"][0])
        for rule in resources(system, "AWS::EC2::SecurityGroupIngress").values()
    ]
    groups = resources(system, "AWS::EC2::SecurityGroup")
    for name in ("Database", "Cache"):
        sources = {source for target, source in rules if target.startswith(f"Network{name}")}
        assert sorted(source[: len("NetworkApi")] for source in sources) == ["NetworkApi", "NetworkWor"]
        (group,) = [group for logical, group in groups.items() if logical.startswith(f"Network{name}")]
        assert "SecurityGroupIngress" not in group


def test_there_is_an_alarm_for_every_source_and_a_word_on_whose_fault_it_is(system):
    alarms = {a.get("AlarmName") for a in resources(system, "AWS::CloudWatch::Alarm").values()}
    assert {f"newsintel-fetch-late-{source}" for source in SOURCES} <= alarms
    assert len(alarms - {None}) >= 8
    composites = {a["AlarmName"] for a in resources(system, "AWS::CloudWatch::CompositeAlarm").values()}
    assert composites == {"newsintel-it-is-us", *(f"newsintel-it-is-{source}" for source in SOURCES)}


def alarm(template, name):
    found = resources(template, "AWS::CloudWatch::Alarm").values()
    return next(each for each in found if each.get("AlarmName") == f"newsintel-{name}")


def test_a_lost_way_out_is_ours(system):
    lost = alarm(system, "no-way-out")
    watched = {
        tuple(dimension["Value"] for dimension in query["MetricStat"]["Metric"]["Dimensions"])
        for query in lost["Metrics"]
        if "MetricStat" in query
    }
    outcomes = (metrics.OK, UnreachableError.code)
    assert watched == {(outcome, source) for outcome in outcomes for source in SOURCES}
    (expression,) = [query["Expression"] for query in lost["Metrics"] if "Expression" in query]
    assert expression == (
        "IF(FILL(newsapi_ok, 0) + FILL(guardian_ok, 0) + FILL(reddit_ok, 0) > 0, 0, "
        "(FILL(newsapi_unreachable, 0) > 0) + (FILL(guardian_unreachable, 0) > 0) + (FILL(reddit_unreachable, 0) > 0))"
    )
    assert (lost["ComparisonOperator"], lost["Threshold"]) == ("GreaterThanThreshold", 1), (
        "one may be away by itself"
    )
    composites = resources(system, "AWS::CloudWatch::CompositeAlarm").values()
    assert all("WatchNoWayOut" in json.dumps(each["AlarmRule"]) for each in composites)


def test_what_is_ours_has_turned_before_a_source_is_blamed(system):
    """Reddit is missed first. From when the way out was lost, when its last slot may have been five minutes ago."""
    late = alarm(system, "fetch-late-reddit")
    blamed = late["Threshold"] + (late["EvaluationPeriods"] - 1) * late["Period"] - 300
    (window,) = {
        q["MetricStat"]["Period"] for q in alarm(system, "no-way-out")["Metrics"] if "MetricStat" in q
    }
    assert window > 1_800, "or the Guardian is not in it"
    assert blamed > window + 60
    leader = alarm(system, "no-leader")
    assert leader["Period"] == late["Period"]
    assert leader["EvaluationPeriods"] < late["EvaluationPeriods"]


def test_the_runbook_counts_the_alarms(system):
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    count = sum(len(resources(system, kind)) for kind in kinds)
    assert f" {count} alarms (one of high resolution)" in RUNBOOK.read_text()
    fine = [a for a in resources(system, kinds[0]).values() if a.get("Period", 60) < 60]
    assert len(fine) == 1


def test_a_source_without_a_key_is_not_missed(options, tmp_path):
    assembly = app.build({**options, "size": "small", "sources": "guardian"}, outdir=str(tmp_path)).synth()
    found = resources(assembly.get_stack_by_name("NewsIntel").template, "AWS::CloudWatch::Alarm")
    late = {a["AlarmName"] for a in found.values() if "-late-" in a.get("AlarmName", "")}
    assert late == {"newsintel-fetch-late-guardian"}


def test_it_stands_in_zones_that_the_account_has(options, tmp_path):
    given = {**options, "region": "ap-northeast-1", "size": "small", "zones": "a,c"}
    template = app.build(given, outdir=str(tmp_path)).synth().get_stack_by_name("NewsIntel").template
    zones = {subnet["AvailabilityZone"] for subnet in resources(template, "AWS::EC2::Subnet").values()}
    assert zones == {"ap-northeast-1a", "ap-northeast-1c"}


def test_settings_go_to_the_processes_that_read_them(options, tmp_path):
    settings = json.dumps({"retention_days": 30, "cold_wait_seconds": 3})
    given = {**options, "size": "small", "settings": settings}
    template = app.build(given, outdir=str(tmp_path)).synth().get_stack_by_name("NewsIntel").template
    for setting, readers in (
        ("RETENTION_DAYS", {"interactive", "bulk", "scheduler", "cli"}),
        ("COLD_WAIT_SECONDS", {"api"}),
    ):
        found = containers(template).items()
        assert {n for n, c in found if f"NEWSINTEL_{setting}" in names_of(c, "Environment")} == readers


def test_a_provider_and_ids_of_github_are_taken_as_they_are(options, tmp_path):
    subject = "repo:example@1/newsintel@2:ref:refs/heads/main"
    given = {**options, "size": "small", "subject": subject, "provider": "arn:aws:iam::1:oidc-provider/x"}
    assembly = app.build(given, outdir=str(tmp_path)).synth()
    template = assembly.get_stack_by_name("NewsIntelPipeline").template
    assert resources(template, "AWS::IAM::OIDCProvider") == {}
    assert problems(template) == []
    assert subject in json.dumps(resources(template, "AWS::IAM::Role"))


def test_every_node_of_the_cache_is_watched(templates):
    for size, nodes in (("small", 1), ("production", 2)):
        alarms = resources(templates[size, "NewsIntel"], "AWS::CloudWatch::Alarm").values()
        (full,) = [alarm for alarm in alarms if alarm.get("AlarmName") == "newsintel-cache-full"]
        assert sum("MetricStat" in query for query in full["Metrics"]) == nodes


def test_an_outage_in_which_no_task_is_left_counts_as_errors(system):
    alarms = resources(system, "AWS::CloudWatch::Alarm").values()
    (errors,) = [alarm for alarm in alarms if alarm.get("AlarmName") == "newsintel-api-errors"]
    (expression,) = [query["Expression"] for query in errors["Metrics"] if "Expression" in query]
    assert "/ (FILL(requests, 0) + FILL(own, 0))" in expression


def test_every_secret_setting_is_a_field_of_a_secret():
    """The client id is public, and it goes with its secret."""
    kept = {
        IngestSettings: {*names.SOURCE_SECRETS, *names.SIGN_IN_SECRETS["worker"]},
        ApiSettings: set(names.SIGN_IN_SECRETS["api"]),
    }
    endings = ("_key", "_keys", "_secret", "_client_id", "_password", "_token")
    for kind, secrets in kept.items():
        assert {f.name for f in msgspec.structs.fields(kind) if f.name.endswith(endings)} == secrets


def test_the_release_role_trusts_one_branch_and_may_hand_on_only_roles_of_tasks(pipeline, system):
    (role,) = resources(pipeline, "AWS::IAM::Role").values()
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    subject = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subject == "repo:example/newsintel:ref:refs/heads/main"
    handed = {
        json.dumps(resource).rpartition(":role/")[2].rstrip('"]} ')
        for policy in resources(pipeline, "AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "iam:PassRole"
        for resource in statement["Resource"]
    }
    passed = [
        role["RoleName"]
        for role in resources(system, "AWS::IAM::Role").values()
        if role.get("RoleName", "").startswith("newsintel-task-")
    ]
    used = [
        task[kind]["Fn::GetAtt"][0]
        for task in resources(system, "AWS::ECS::TaskDefinition").values()
        for kind in ("TaskRoleArn", "ExecutionRoleArn")
    ]
    assert len(passed) == len(used) == len(set(used))
    # What makes the roles knows the administrator's password.
    assert handed == set(passed) - {names.task_role(name, "eu-west-1") for name in ("roles", "roles-start")}


def test_images_are_scanned_kept_for_a_while_and_never_overwritten(pipeline):
    found = resources(pipeline, "AWS::ECR::Repository")
    assert len(found) == 2
    for repository in found.values():
        assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert repository["ImageTagMutability"] == "IMMUTABLE"
        assert "LifecyclePolicyText" in repository["LifecyclePolicy"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "-c size=... is needed"),
        ({"size": "small"}, "-c region=... is needed"),
        (
            {"region": "r", "repository": "a/b", "domain": "c", "certificate": "arn", "size": "huge"},
            "use small or production",
        ),
        (
            {**dict.fromkeys(app.REQUIRED, "x"), "size": "small", "settings": '{"guardian_key": "x"}'},
            "guardian_key is a secret",
        ),
        (
            {**dict.fromkeys(app.REQUIRED, "x"), "size": "small", "settings": '{"retention": 3}'},
            "no setting 'retention'",
        ),
        (
            {**dict.fromkeys(app.REQUIRED, "x"), "size": "small", "sources": "guardian,times"},
            "times is no source",
        ),
        *(
            ({**dict.fromkeys(app.REQUIRED, "x"), "size": "small", "zones": zones}, "use two letters")
            for zones in ("a", "a,a", "a,b,c", "eu-west-1a,eu-west-1b", "")
        ),
    ],
)
def test_a_missing_or_unknown_option_is_one_sentence(options, sentence):
    from deploy.aws.app import build

    with pytest.raises(SystemExit, match=sentence):
        build(options)
