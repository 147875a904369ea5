"""Dockerfiles, compose.yaml, workflows and shell: the linters find nothing, and what they cannot know holds too."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from deploy.aws import names
from migrations.roles import RolesSettings
from shared.config import PREFIX, ApiSettings, IngestSettings

REPOSITORY = Path(__file__).parents[3]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
DOCKERFILES = sorted(REPOSITORY.glob("Dockerfile.*"))
COMPOSE = REPOSITORY / "compose.yaml"


def run(tool, *arguments):
    command = [Path(sys.executable).with_name(tool), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_finds_nothing():
    run("hadolint", *DOCKERFILES)


def test_shellcheck_finds_nothing():
    run("shellcheck", REPOSITORY / ".ci" / "run")


def test_yamllint_finds_nothing():
    run("yamllint", "--strict", ".github", "compose.yaml", ".yamllint.yaml")


def test_zizmor_finds_nothing():
    run("zizmor", "--offline", "--no-progress", "--min-severity", "medium", ".github")


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.dependabot", [REPOSITORY / ".github" / "dependabot.yml"]),
        ("vendor.compose-spec", [COMPOSE]),
    ],
)
def test_the_schemas_hold(schema, files):
    run("check-jsonschema", "--builtin-schema", schema, *files)


def test_compose_can_read_it():
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], check=False).returncode:
        pytest.skip("there is no docker compose here; the schema was checked")
    subprocess.run(["docker", "compose", "--file", COMPOSE, "config", "--quiet"], check=True)


def test_every_variable_of_compose_is_a_setting():
    known = {
        PREFIX + field.name.upper()
        for kind in (ApiSettings, IngestSettings, RolesSettings)
        for field in msgspec.structs.fields(kind)
    }
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    used = {name for service in services.values() for name in service.get("environment", {})}
    assert {name for name in used if name.startswith(PREFIX)} <= known


def test_compose_starts_in_the_order_of_health():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    for name in ("worker-interactive", "worker-bulk", "scheduler", "api"):
        needs = services[name]["depends_on"]
        assert needs["migrate"] == {"condition": "service_completed_successfully"}
        assert needs["redis"] == {"condition": "service_healthy"}
    assert services["migrate"]["depends_on"]["roles"] == {"condition": "service_completed_successfully"}
    assert services["roles"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_the_images_ask_for_their_health_where_the_processes_answer():
    texts = {path.suffix[1:]: path.read_text() for path in DOCKERFILES}
    assert f"NEWSINTEL_PORT={names.API_PORT}" in texts["api"]
    assert f"NEWSINTEL_HEALTH_PORT={names.HEALTH_PORTS['interactive']}" in texts["worker"]
    for text in texts.values():
        assert 'CMD ["python", "-m", "shared.probe"]' in text
        # A frontend would be pulled from a registry at each build.
        assert "syntax=" not in text


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_permissions_are_named(workflow):
    for line in workflow.read_text().splitlines():
        if "uses:" in line and "./" not in line:
            assert re.search(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d", line), line
    parsed = yaml.safe_load(workflow.read_text())
    assert parsed["permissions"] == {}
    for job in parsed["jobs"].values():
        assert set(job["permissions"]) <= {"contents", "id-token"}
        assert job["permissions"]["contents"] == "read"


def test_only_jobs_of_the_deploy_workflow_can_become_the_release_role():
    for workflow in WORKFLOWS:
        able = [
            n
            for n, j in yaml.safe_load(workflow.read_text())["jobs"].items()
            if "id-token" in j["permissions"]
        ]
        assert able == (["images", "release"] if workflow.name == "deploy.yml" else [])


def test_a_release_waits_for_tests_and_images_and_for_the_release_before_it():
    deploy = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "deploy.yml").read_text())
    assert deploy["jobs"]["release"]["needs"] == ["test", "images"]
    assert deploy["jobs"]["release"]["concurrency"] == {"group": "release", "cancel-in-progress": False}


def test_no_worker_of_compose_can_sign_a_session():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    workers = [service for service in services.values() if "env_file" in service]
    assert workers
    assert all(service["environment"]["NEWSINTEL_SESSION_KEYS"] == "" for service in workers)


def test_every_worker_of_compose_asks_the_simulator_for_what_has_no_key():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    workers = [service["command"] for service in services.values() if "env_file" in service]
    begins = ["python", "-m", "deploy.local.simulated", "http://simulator:9000"]
    assert workers
    assert all(command[: len(begins)] == begins for command in workers)
