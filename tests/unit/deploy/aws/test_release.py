"""The release program on moto's ECS; whether a revision or a task does well, the test decides."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from moto.backends import get_backend

from deploy.aws import names, release
from deploy.aws.release import Release, ReleaseError

ACCOUNT = "123456789012"
REGION = "eu-west-1"
REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def failing_migration(monkeypatch):
    from moto.ecs import models

    plain = models.Container.__init__

    def broken(container, task_def):
        plain(container, task_def)
        container.exitCode = 1

    monkeypatch.setattr(models.Container, "__init__", broken)


def test_a_release_migrates_then_updates_worker_and_api_and_is_noted(aws, site):
    aws.release()
    assert aws.updates == [("newsintel-worker", "new"), ("newsintel-api", "new")]
    assert aws.running() == {"api": "new", "worker": "new"}
    assert aws.noted() == "new"
    assert site.asked == list(release.SMOKE_PATHS)


def test_the_command_line_is_of_the_tag_that_runs(aws, site):
    def image():
        found = aws.ecs.describe_task_definition(taskDefinition="newsintel-cli")["taskDefinition"]
        return found["containerDefinitions"][0]["image"]

    aws.release()
    assert image() == "registry/newsintel-cli:new"
    site.status = 503
    with pytest.raises(ReleaseError):
        aws.release("broken")
    assert image() == "registry/newsintel-cli:new"


def test_the_migration_runs_the_new_image(aws):
    aws.release()
    (arn,) = aws.ecs.list_tasks(cluster=names.SYSTEM)["taskArns"]
    (task,) = aws.ecs.describe_tasks(cluster=names.SYSTEM, tasks=[arn])["tasks"]
    assert task["taskDefinitionArn"].endswith("newsintel-migrate:2")


def test_the_runbook_makes_the_roles_in_the_image_that_runs(aws):
    """The stack's definition names the image of its last deployment, which may be gone by now."""
    aws.ecs.register_task_definition(
        family="newsintel-roles",
        containerDefinitions=[{"name": "roles", "image": "registry/newsintel-worker:gone", "memory": 256}],
    )
    text = (REPOSITORY / "deploy" / "runbook.md").read_text()
    (lines,) = re.findall(r"```sh\n( *TAG=.*\n.*newsintel-roles.*\n)", text)
    program = f'aws() {{ echo {aws.noted()}; }}\npython() {{ {sys.executable} "$@"; }}\n{lines}'
    subprocess.run(["bash", "-euc", program], cwd=REPOSITORY, check=True)
    (arn,) = aws.ecs.list_tasks(cluster=names.SYSTEM)["taskArns"]
    (task,) = aws.ecs.describe_tasks(cluster=names.SYSTEM, tasks=[arn])["tasks"]
    assert task["taskDefinitionArn"].endswith("newsintel-roles:2")
    made = aws.ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
    assert made["containerDefinitions"][0]["image"] == "registry/newsintel-worker:old"


def test_a_failing_migration_changes_nothing(aws, failing_migration):
    with pytest.raises(ReleaseError, match=r"newsintel-migrate failed.*no service was changed"):
        aws.release()
    assert aws.updates == []
    assert aws.running() == {"api": "old", "worker": "old"}
    assert aws.noted() == "old"


@pytest.mark.parametrize("service", ["api", "worker"])
def test_a_failing_service_returns_to_what_ran_before(aws, service):
    aws.failing.add(f"newsintel-{service}")
    with pytest.raises(
        ReleaseError, match=rf"newsintel-{service} failed: tasks failed.*back at what ran before"
    ):
        aws.release()
    assert aws.running() == {"api": "old", "worker": "old"}
    assert aws.noted() == "old"


def test_what_aws_refuses_on_the_way_returns_both(aws):
    aws.refused.add(("newsintel-api", "new"))
    with pytest.raises(ReleaseError, match=r"AccessDenied.*both services are back"):
        aws.release()
    assert aws.running() == {"api": "old", "worker": "old"}


def test_a_service_that_does_not_come_back_is_said_and_the_other_one_does(aws):
    aws.failing.add("newsintel-api")
    aws.refused.add(("newsintel-api", "old"))
    with pytest.raises(ReleaseError, match="newsintel-api is NOT back") as raised:
        aws.release()
    assert "are back at" not in str(raised.value)
    assert aws.running()["worker"] == "old"


def test_what_the_scaling_added_meanwhile_stays(aws):
    def scaled(_):
        for name in ("api", "worker"):
            service = get_backend("ecs")[ACCOUNT][REGION].services[f"{names.SYSTEM}:newsintel-{name}"]
            service.desired_count = 5

    release_ = Release(aws.session, pause=scaled)
    before = release_._stopped
    release_._stopped = lambda *task: (scaled(None), before(*task))[1]
    release_.run("new")
    found = aws.ecs.describe_services(cluster=names.SYSTEM, services=["newsintel-api", "newsintel-worker"])
    assert [service["desiredCount"] for service in found["services"]] == [5, 5]


def test_the_way_there_and_back_fits_into_the_job():
    workflow = (REPOSITORY / ".github" / "workflows" / "deploy.yml").read_text()
    minutes = max(int(found) for found in re.findall(r"timeout-minutes: (\d+)", workflow))
    longest = release.MIGRATE_SECONDS + 4 * release.SETTLE_SECONDS
    longest += len(release.SMOKE_PATHS) * release.SMOKE_SECONDS
    assert longest < (minutes - 5) * 60


def test_the_api_goes_back_before_the_worker(aws):
    aws.failing.add("newsintel-api")
    with pytest.raises(ReleaseError):
        aws.release()
    assert [name for name, tag in aws.updates if tag == "old"] == ["newsintel-api", "newsintel-worker"]


def test_a_failing_smoke_test_returns_both(aws, site):
    site.status = 503
    with pytest.raises(ReleaseError, match="smoke test failed: /health"):
        aws.release()
    assert aws.running() == {"api": "old", "worker": "old"}
    assert aws.noted() == "old"


def test_an_older_tag_leaves_the_schema_alone(aws, failing_migration):
    aws.release("older", migrate=False)
    assert aws.running() == {"api": "older", "worker": "older"}
    assert aws.ecs.list_tasks(cluster=names.SYSTEM)["taskArns"] == []


def test_the_first_release_starts_what_was_made_without_tasks(aws):
    for name in ("api", "worker"):
        get_backend("ecs")[ACCOUNT][REGION].services[f"{names.SYSTEM}:newsintel-{name}"].desired_count = 0
    aws.release()
    found = aws.ecs.describe_services(cluster=names.SYSTEM, services=["newsintel-api", "newsintel-worker"])
    assert {s["serviceName"]: s["desiredCount"] for s in found["services"]} == {
        "newsintel-api": 2,
        "newsintel-worker": 1,
    }


def test_what_ecs_has_taken_back_by_itself_is_a_failure_at_once(aws):
    aws.returning.add("newsintel-worker")
    with pytest.raises(ReleaseError, match=r"ECS has gone back by itself; both services are back"):
        aws.release()
    assert aws.paused == release.POLL_SECONDS


def test_ecs_may_tell_a_little_later_what_was_just_done(aws):
    aws.behind = int(release.APPEAR_SECONDS / release.POLL_SECONDS)
    aws.release()
    assert aws.running() == {"api": "new", "worker": "new"}


def test_a_revision_that_never_appears_is_a_failure_after_a_while(aws):
    aws.behind = int(release.SETTLE_SECONDS / release.POLL_SECONDS)
    with pytest.raises(ReleaseError, match="newsintel-worker failed: ECS has gone back by itself"):
        aws.release(migrate=False)
    assert aws.paused == 2 * release.APPEAR_SECONDS, "there and back"


def test_a_return_is_not_over_while_the_revision_of_before_only_drains(aws):
    """ECS may still tell the state before the return: what it returns to is complete, and being replaced."""
    service = get_backend("ecs")[ACCOUNT][REGION].services[f"{names.SYSTEM}:newsintel-api"]
    primary = service.deployments[0] | {"rolloutState": "IN_PROGRESS"}
    draining = primary | {"status": "ACTIVE", "rolloutState": "COMPLETED"}
    looks = [
        [primary | {"taskDefinition": "new"}, draining],
        [primary],
        [primary | {"rolloutState": "COMPLETED"}],
    ]
    ours = release.Release(aws.session, pause=aws.pause)
    ours._service = lambda _: {"deployments": looks.pop(0)}
    ours._settle("newsintel-api", primary["taskDefinition"])
    assert looks == []


def test_the_command_line_says_what_failed(aws, failing_migration, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["release", "new"])
    monkeypatch.setattr(release, "POLL_SECONDS", 0.01)
    assert release.main() == 1
    assert "newsintel-migrate failed" in capsys.readouterr().err


def test_the_stack_tells_what_the_program_reads(templates):
    for size in ("small", "production"):
        (target,) = [
            resource["Properties"]
            for resource in templates[size, "NewsIntel"]["Resources"].values()
            if resource["Type"] == "AWS::SSM::Parameter"
        ]
        assert target["Name"] == names.SSM_TARGET
        text = json.dumps(target["Value"])
        missing = [
            field
            for field in release.Target.__struct_fields__
            if f'\\"{field}\\"' not in text.replace("\\\\", "\\")
        ]
        assert missing == []
