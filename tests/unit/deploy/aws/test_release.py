"""The release program on moto's ECS; whether a revision or a task does well, the test decides."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from moto.backends import get_backend
from moto.ecs.models import EC2ContainerServiceBackend
from moto.moto_api import state_manager
from moto.server import ThreadedMotoServer

from deploy.aws import names, release
from deploy.aws.release import Release, ReleaseError

REGION = "eu-west-1"
ACCOUNT = "123456789012"


class Site:
    """Stands where the load balancer would."""

    def __init__(self):
        self.status = 200
        self.asked = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                self.send_response(site.status)
                self.end_headers()
                self.wfile.write(b'{"status": "healthy"}')

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def session():
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "made-up")
        yield boto3.Session()
    server.stop()


@pytest.fixture
def site():
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


class Aws:
    """The account: what the stacks would have made, and what happens to what is released."""

    def __init__(self, session, monkeypatch, site):
        get_backend("ecs").reset()
        get_backend("ssm").reset()
        self.session = session
        self.ecs = session.client("ecs")
        self.ssm = session.client("ssm")
        self.failing = set()  # services of which no new revision settles
        self.updates = []  # (service, tag) in the order in which they came
        self._play_ecs(monkeypatch)
        self._make(site)

    def _play_ecs(self, monkeypatch):
        """moto notes a new revision and leaves the deployment as it is; the test says how the deployment goes."""
        plain = EC2ContainerServiceBackend.update_service

        def update_service(backend, properties):
            revision = properties["task_definition"]
            service = plain(backend, dict(properties))
            tag = (
                backend.describe_task_definition(revision)
                .container_definitions[0]["image"]
                .rpartition(":")[2]
            )
            self.updates.append((service.name, tag))
            failed = service.name in self.failing and tag != "old"
            service.deployments[0].update(
                taskDefinition=revision, rolloutState="FAILED" if failed else "COMPLETED"
            )
            service.deployments[0]["rolloutStateReason"] = "tasks failed to start" if failed else "completed"
            return service

        monkeypatch.setattr(EC2ContainerServiceBackend, "update_service", update_service)

    def _make(self, site):
        self.ecs.create_cluster(clusterName=names.SYSTEM)
        for family in ("api", "worker", "migrate"):
            self.ecs.register_task_definition(
                family=f"newsintel-{family}",
                requiresCompatibilities=["FARGATE"],
                networkMode="awsvpc",
                cpu="256",
                memory="512",
                containerDefinitions=[
                    {"name": family, "image": f"registry/newsintel-{family}:old", "memory": 256}
                ],
            )
        for name in ("api", "worker"):
            self.ecs.create_service(
                cluster=names.SYSTEM,
                serviceName=f"newsintel-{name}",
                taskDefinition=f"newsintel-{name}",
                desiredCount=2,
                launchType="FARGATE",
            )
        target = {
            "cluster": names.SYSTEM,
            "subnets": [self.session.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]],
            "security_groups": [],
            "log_group": names.LOG_GROUPS["migrate"],
            "url": site.url,
            "least": {"api": 2, "worker": 1},
        } | {name: f"newsintel-{name}" for name in ("api", "worker", "migrate")}
        self.ssm.put_parameter(Name=names.SSM_TARGET, Value=json.dumps(target), Type="String")
        self.ssm.put_parameter(Name=names.SSM_TAG, Value="old", Type="String")

    def running(self):
        """{service: the tag that it runs}"""
        found = self.ecs.describe_services(
            cluster=names.SYSTEM, services=["newsintel-api", "newsintel-worker"]
        )
        tags = {}
        for service in found["services"]:
            definition = self.ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
            image = definition["taskDefinition"]["containerDefinitions"][0]["image"]
            tags[service["serviceName"].removeprefix("newsintel-")] = image.rpartition(":")[2]
        return tags

    def noted(self):
        return self.ssm.get_parameter(Name=names.SSM_TAG)["Parameter"]["Value"]

    def release(self, tag="new", **options):
        Release(self.session, pause=lambda _: None).run(tag, **options)


@pytest.fixture
def aws(session, monkeypatch, site):
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1})
    return Aws(session, monkeypatch, site)


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


def test_the_migration_runs_the_new_image(aws):
    aws.release()
    (arn,) = aws.ecs.list_tasks(cluster=names.SYSTEM)["taskArns"]
    (task,) = aws.ecs.describe_tasks(cluster=names.SYSTEM, tasks=[arn])["tasks"]
    assert task["taskDefinitionArn"].endswith("newsintel-migrate:2")


def test_a_failing_migration_changes_nothing(aws, failing_migration):
    with pytest.raises(ReleaseError, match=r"migration failed.*nothing was changed"):
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


def test_what_ecs_has_taken_back_by_itself_is_a_failure(aws, monkeypatch):
    settled = Release._settled
    monkeypatch.setattr(
        Release, "_settled", lambda self, service, revision: settled(self, service, revision + "0")
    )
    with pytest.raises(ReleaseError, match="ECS has gone back by itself"):
        aws.release()


def test_the_command_line_says_what_failed(aws, failing_migration, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["release", "new"])
    monkeypatch.setattr(release, "POLL_SECONDS", 0.01)
    assert release.main() == 1
    assert "migration failed" in capsys.readouterr().err


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
