"""The infrastructure, synthesised once for each size, and an account that moto plays.

What the tests look at is what CloudFormation would get; how a release goes, the test decides.
"""

import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
from moto.backends import get_backend
from moto.core.exceptions import JsonRESTError
from moto.ecs.models import EC2ContainerServiceBackend
from moto.moto_api import state_manager
from moto.server import ThreadedMotoServer

from deploy.aws import names, release

REGION = "eu-west-1"

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/00000000-0000-0000-0000-000000000000"
OPTIONS = {
    "region": REGION,
    "repository": "example/newsintel",
    "domain": "news.example.org",
    "certificate": CERTIFICATE,
    "email": "oncall@example.org",
}


@pytest.fixture(scope="session")
def options():
    return OPTIONS


def synthesise(size, directory):
    from deploy.aws.app import build

    # A finding of cdk-nag raises here.
    assembly = build({**OPTIONS, "size": size}, outdir=str(directory / size)).synth()
    return {stack.stack_name: stack.template_full_path for stack in assembly.stacks}


@pytest.fixture(scope="session")
def template_files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cdk")
    return {size: synthesise(size, directory) for size in ("small", "production")}


@pytest.fixture(scope="session")
def templates(template_files):
    """{(size, stack): template}"""
    return {
        (size, stack): json.loads(Path(path).read_text())
        for size, stacks in template_files.items()
        for stack, path in stacks.items()
    }


@pytest.fixture(scope="session", params=["small", "production"])
def system(request, templates):
    return templates[request.param, "NewsIntel"]


@pytest.fixture(scope="session")
def pipeline(templates):
    return templates["production", "NewsIntelPipeline"]


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
        self.refused = set()  # (service, tag) that ECS refuses to update to
        self.returning = set()  # services whose new revision ECS gives up after one look, without a word
        self.updates = []  # (service, tag) in the order in which they came
        self.behind = 0  # looks for which ECS still tells what was before a call
        self.paused = 0.0  # seconds that the program has waited
        self._told = {}  # service: the deployments of its next looks
        self._play_ecs(monkeypatch)
        self._play_looks(monkeypatch)
        self._make(site)

    def _play_ecs(self, monkeypatch):
        """moto notes a new revision and leaves the deployment as it is; the test says how the deployment goes."""
        plain = EC2ContainerServiceBackend.update_service

        def update_service(backend, properties):
            revision = properties["task_definition"]
            tag = (
                backend.describe_task_definition(revision)
                .container_definitions[0]["image"]
                .rpartition(":")[2]
            )
            if (properties["service"].rpartition("/")[2], tag) in self.refused:
                raise JsonRESTError("AccessDeniedException", "may not")
            service = plain(backend, dict(properties))
            before = copy.deepcopy(service.deployments)
            self._told[service.name] = [before] * self.behind
            self.updates.append((service.name, tag))
            failed = service.name in self.failing and tag != "old"
            service.deployments[0].update(
                taskDefinition=revision, rolloutState="FAILED" if failed else "COMPLETED"
            )
            service.deployments[0]["rolloutStateReason"] = "tasks failed to start" if failed else "completed"
            if service.name in self.returning and tag != "old":
                self._told[service.name].append([service.deployments[0] | {"rolloutState": "IN_PROGRESS"}])
                service.deployments = before
            return service

        monkeypatch.setattr(EC2ContainerServiceBackend, "update_service", update_service)

    def _play_looks(self, monkeypatch):
        """moto tells at once what was just done; ECS does not have to."""
        backends = EC2ContainerServiceBackend
        services, tasks = backends.describe_services, backends.describe_tasks
        unknown = iter(range(1_000))

        def describe_services(backend, cluster, names):
            found, failures = services(backend, cluster, names)
            found = [copy.copy(service) for service in found]
            for service in found:
                if told := self._told.get(service.name):
                    service.deployments = told.pop(0)
            return found, failures

        def describe_tasks(backend, cluster, arns):
            return [] if next(unknown) < self.behind else tasks(backend, cluster, arns)

        monkeypatch.setattr(backends, "describe_services", describe_services)
        monkeypatch.setattr(backends, "describe_tasks", describe_tasks)

    def pause(self, seconds):
        self.paused += seconds

    def _make(self, site):
        self.ecs.create_cluster(clusterName=names.SYSTEM)
        for family in names.RELEASED:
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
        } | {name: f"newsintel-{name}" for name in names.RELEASED}
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
        release.Release(self.session, pause=self.pause).run(tag, **options)


@pytest.fixture
def aws(session, monkeypatch, site):
    # A task has ended when it is looked at for the first time.
    state_manager.set_transition("ecs::task", {"progression": "immediate"})
    return Aws(session, monkeypatch, site)
