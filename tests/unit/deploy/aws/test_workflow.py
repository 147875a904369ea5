"""The deploy workflow, rehearsed offline: act runs it, stubs stand for foreign actions and docker, moto for AWS."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[4]
pytestmark = pytest.mark.campaign

ACT = Path(sys.executable).with_name("act")

STUB = """name: stub
description: stub
{outputs}runs:
  using: composite
  steps:
    - run: "true"
      shell: bash
"""
REGISTRY = "outputs:\n  registry:\n    description: address\n    value: registry.example\n"
DOCKER = '#!/bin/sh\necho "docker $*" >> "$CALLS"\n[ "$1" != manifest ]\n'
PYTHON = """#!/bin/sh
echo "python3 $*" >> "$CALLS"
case "$*" in
  *deploy.aws.release*) exec "$REAL_PYTHON" "$@" ;;
  *"deploy.local test"*) exit "$TESTS" ;;
esac
"""


class Rehearsal:
    def __init__(self, directory, moto):
        self.directory = directory
        self.calls = directory / "calls"
        self._moto = moto
        self._checkout()
        self._stubs()

    def _checkout(self):
        """What git has and what is not committed yet, in a repository of its own."""
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        files = subprocess.run(
            listed, cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout.split("\n")
        self.checkout = self.directory / "checkout"
        for name in filter(None, files):
            if (REPOSITORY / name).is_file():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / name, self.checkout / name)
        self._commit(self.checkout)

    def _stubs(self):
        workflows = "".join(p.read_text() for p in (self.checkout / ".github" / "workflows").glob("*.yml"))
        self._flags = []
        for action in sorted(set(re.findall(r"uses: ([\w-]+/[\w-]+@[0-9a-f]{40})", workflows))):
            stub = self.directory / "stubs" / action.replace("/", "-")
            stub.mkdir(parents=True)
            (stub / "action.yml").write_text(STUB.format(outputs=REGISTRY if "ecr-login" in action else ""))
            self._commit(stub)
            self._flags += ["--local-repository", f"{action}={stub}"]
        tools = self.directory / "bin"
        tools.mkdir()
        for name, script in (("docker", DOCKER), ("python3", PYTHON)):
            (tools / name).write_text(script)
            (tools / name).chmod(0o755)

    def _commit(self, directory):
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        for arguments in (
            ["init", "--quiet", "--initial-branch=main"],
            ["add", "-A"],
            [*who, "commit", "-qm", "all"],
        ):
            subprocess.run(["git", *arguments], cwd=directory, check=True)

    def commit(self):
        command = ["git", "rev-parse", "HEAD"]
        return subprocess.run(
            command, cwd=self.checkout, capture_output=True, text=True, check=True
        ).stdout.strip()

    def run(self, event, *arguments, tests=0):
        environment = {
            **os.environ,
            "PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}",
            "CALLS": str(self.calls),
            "REAL_PYTHON": sys.executable,
            "TESTS": str(tests),
            "HOME": str(self.directory),
            "XDG_CACHE_HOME": str(self.directory / "cache"),
        }
        command = [
            ACT,
            event,
            "-W",
            ".github/workflows/deploy.yml",
            "-P",
            "ubuntu-24.04=-self-hosted",
            "--pull=false",
        ]
        passed = [f"{name}={environment[name]}" for name in ("CALLS", "REAL_PYTHON", "TESTS", *self._moto)]
        command += [word for pair in passed for word in ("--env", pair)]
        return subprocess.run(
            [*command, *self._flags, *arguments],
            cwd=self.checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )

    def called(self, words):
        return [line for line in self.calls.read_text().splitlines() if words in line]


MOTO = ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@pytest.fixture
def rehearsal(aws, tmp_path):
    return Rehearsal(tmp_path, MOTO)


def test_a_push_is_tested_built_and_released(rehearsal, aws):
    done = rehearsal.run("push")
    assert done.returncode == 0, done.stdout[-3000:]
    assert aws.running() == {"api": rehearsal.commit(), "worker": rehearsal.commit()}
    assert len(rehearsal.called("docker push registry.example/newsintel-")) == 2
    assert len(rehearsal.called("deploy.local test")) == 1


def test_a_failing_test_stops_it(rehearsal, aws):
    done = rehearsal.run("push", tests=1)
    assert done.returncode != 0
    assert rehearsal.called("deploy.aws.release") == []
    assert aws.running() == {"api": "old", "worker": "old"}


def test_an_older_tag_is_released_as_it_is(rehearsal, aws):
    done = rehearsal.run("workflow_dispatch", "--input", "tag=0ld3r")
    assert done.returncode == 0, done.stdout[-3000:]
    assert aws.running() == {"api": "0ld3r", "worker": "0ld3r"}
    assert rehearsal.called("docker") == []
    assert rehearsal.called("deploy.local test") == []
    assert "--back" in rehearsal.called("deploy.aws.release")[0]
