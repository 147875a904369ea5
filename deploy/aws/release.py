"""Releases an image tag: `python -m deploy.aws.release TAG [--back]`, in the account and region of the environment.

    register revisions → migrate → worker → api → smoke test → note the tag
                            │         │       │        │
                            │         └───────┴────────┴─ failed: both services go back to the revisions they had
                            └─ failed: nothing was changed

The worker goes first: it understands every command that the running api sends, and the new api may send new ones.
`--back` releases an older tag and leaves the schema alone: every migration works with the release before it, and an
older image does not know the newer ones.
"""

import argparse
import http.client
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from deploy.aws import names
from shared.probe import HEALTH_PATH

# A migration that takes longer needs a plan of its own; a deployment's circuit breaker has spoken by then. The way
# there and back - a migration, two services each way, the smoke test - fits into the hour of the job and its token.
MIGRATE_SECONDS = 600
SETTLE_SECONDS = 600
SMOKE_SECONDS = 60
# ECS tells what it was just asked for a little later, now and then.
APPEAR_SECONDS = 30
POLL_SECONDS = 5.0
SMOKE_PATHS = (HEALTH_PATH, "/articles?limit=1")
# What describe_task_definition tells and register_task_definition does not take.
NOT_REGISTRABLE = {
    "taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy",
    "deregisteredAt", "deleteRequestedAt",
}  # fmt: skip


class ReleaseError(Exception):
    """One sentence: what failed, and what state that leaves."""


# What may go wrong on the way: AWS refuses or cannot be reached, a service or the smoke test fails.
FAILURES = (ReleaseError, BotoCoreError, ClientError, OSError, http.client.HTTPException)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What the system's stack tells (deploy/aws/app.py). least: tasks that a service begins with."""

    cluster: str
    api: str
    worker: str
    migrate: str
    cli: str
    subnets: list[str]
    security_groups: list[str]
    log_group: str
    url: str
    least: dict[str, int]


class Release:
    """One release; `pause` waits between two looks."""

    def __init__(self, session: boto3.Session, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._ecs = session.client("ecs")
        self._ssm = session.client("ssm")
        self._logs = session.client("logs")
        self._pause = pause
        stored = self._ssm.get_parameter(Name=names.SSM_TARGET)["Parameter"]["Value"]
        self.target = msgspec.json.decode(stored, type=Target)

    def run(self, tag: str, *, migrate: bool = True) -> None:
        """Release a tag. Raises ReleaseError after everything was put back."""
        before = {service: self._service(service) for service in (self.target.worker, self.target.api)}
        after = {service: self._register(now["taskDefinition"], tag) for service, now in before.items()}
        if migrate:
            self.once(self.target.migrate, tag)
        changed: list[str] = []
        try:
            for service, was in before.items():
                changed.append(service)
                self._update(service, after[service], None if was["desiredCount"] else self._least(service))
            self._smoke()
        except FAILURES as error:
            raise ReleaseError(f"{error}; {self._go_back(changed, before)}") from error
        self._register(self.target.cli, tag)
        self._ssm.put_parameter(Name=names.SSM_TAG, Value=tag, Overwrite=True, Type="String")
        _say(f"{tag} is released")

    def _service(self, name: str) -> Mapping[str, Any]:
        found = self._ecs.describe_services(cluster=self.target.cluster, services=[name])["services"]
        if not found:
            raise ReleaseError(f"there is no service {name} in the cluster {self.target.cluster}")
        service: Mapping[str, Any] = found[0]
        return service

    def _least(self, service: str) -> int:
        return self.target.least["api" if service == self.target.api else "worker"]

    def _register(self, definition: str, tag: str) -> str:
        """A new revision like the given one (or a family's latest), of another tag."""
        found = self._ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
        fields = {name: value for name, value in found.items() if name not in NOT_REGISTRABLE}
        for container in fields["containerDefinitions"]:
            container["image"] = f"{container['image'].rpartition(':')[0]}:{tag}"
        registered = self._ecs.register_task_definition(**fields)["taskDefinition"]["taskDefinitionArn"]
        _say(f"registered {registered.rpartition('/')[2]}")
        return str(registered)

    def once(self, family: str, tag: str) -> None:
        """Run a family's task in the image of this tag, to its end. Raises ReleaseError with the end of its log."""
        network = {"subnets": self.target.subnets, "securityGroups": self.target.security_groups}
        started = self._ecs.run_task(
            cluster=self.target.cluster,
            taskDefinition=self._register(family, tag),
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {**network, "assignPublicIp": "DISABLED"}},
        )
        if not started["tasks"]:
            raise ReleaseError(f"{family} did not start: {started['failures']}; no service was changed")
        task = self._stopped(started["tasks"][0]["taskArn"], family)
        code = task["containers"][0].get("exitCode")
        if code != 0:
            why = task.get("stoppedReason") or f"it ended with {code}"
            raise ReleaseError(f"{family} failed: {why}; no service was changed\n{self._log_of(task)}")
        _say(f"{family} is done")

    def _stopped(self, arn: str, family: str) -> Mapping[str, Any]:
        for _ in range(int(MIGRATE_SECONDS / POLL_SECONDS)):
            # None for as long as ECS does not tell what it has just started.
            tasks = self._ecs.describe_tasks(cluster=self.target.cluster, tasks=[arn])["tasks"]
            if tasks and tasks[0]["lastStatus"] == "STOPPED":
                task: Mapping[str, Any] = tasks[0]
                return task
            self._pause(POLL_SECONDS)
        raise ReleaseError(f"{family} did not end within {MIGRATE_SECONDS} s; it may still run")

    def _log_of(self, task: Mapping[str, Any]) -> str:
        """The end of what the migration said; without it the reader still has the sentence above."""
        name = task["containers"][0]["name"]
        stream = f"{name}/{name}/{task['taskArn'].rpartition('/')[2]}"
        try:
            events = self._logs.get_log_events(
                logGroupName=self.target.log_group, logStreamName=stream, limit=20
            )
        except self._logs.exceptions.ClientError as error:
            return f"(its log cannot be read: {error})"
        return "\n".join(event["message"] for event in events["events"])

    def _update(self, service: str, revision: str, count: int | None = None) -> None:
        """count: None leaves it to the scaling; the first deployment begins with none."""
        _say(f"updating {service}")
        counted = {} if count is None else {"desiredCount": count}
        self._ecs.update_service(
            cluster=self.target.cluster, service=service, taskDefinition=revision, **counted
        )
        self._settle(service, revision)

    def _settle(self, service: str, revision: str) -> None:
        """Raises ReleaseError when ECS gave the revision up, also when it has gone back by itself already."""
        seen = False
        for look in range(int(SETTLE_SECONDS / POLL_SECONDS)):
            deployments = self._service(service)["deployments"]
            ours = [deployment for deployment in deployments if deployment["taskDefinition"] == revision]
            for deployment in ours:
                state = deployment.get("rolloutState")
                if state == "FAILED":
                    raise ReleaseError(f"{service} failed: {deployment.get('rolloutStateReason', '')}")
                # One that another replaces stays complete until its last task has ended.
                if state == "COMPLETED" and deployment["status"] == "PRIMARY":
                    return
            if not ours and (seen or look * POLL_SECONDS >= APPEAR_SECONDS):
                raise ReleaseError(f"{service} failed: ECS has gone back by itself")
            seen = bool(ours)
            self._pause(POLL_SECONDS)
        raise ReleaseError(f"{service} did not settle within {SETTLE_SECONDS} s")

    def _smoke(self) -> None:
        """What a reader gets, the way a reader comes: through the load balancer."""
        for path in SMOKE_PATHS:
            problem = ""
            for _ in range(int(SMOKE_SECONDS / POLL_SECONDS)):
                problem = _problem(self.target.url + path)
                if not problem:
                    break
                self._pause(POLL_SECONDS)
            else:
                raise ReleaseError(f"the smoke test failed: {path}: {problem}")
        _say("smoke test passed")

    def _go_back(self, changed: list[str], before: Mapping[str, Mapping[str, Any]]) -> str:
        """What that led to. The api first: it may send commands that the worker of before does not know."""
        failed = []
        for service in reversed(changed):
            was = before[service]
            try:
                self._update(service, was["taskDefinition"], None if was["desiredCount"] else 0)
            except FAILURES as error:
                failed.append(f"{service} is NOT back: {error}")
        if failed:
            return f"{'; '.join(failed)}; see deploy/runbook.md, pipeline stuck"
        return "both services are back at what ran before"


def _problem(url: str) -> str:
    """Empty when the answer is 200 and JSON."""
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:  # noqa: S310 - our own address, from our own stack
            json.load(answer)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error)
    return ""


def _say(sentence: str) -> None:
    print(f"release: {sentence}", flush=True)  # noqa: T201 - the pipeline's log is read by people


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.aws.release", description=__doc__)
    parser.add_argument("tag", help="the image tag: a commit")
    parser.add_argument("--back", action="store_true", help="an older tag: the schema stays as it is")
    arguments = parser.parse_args()
    try:
        Release(boto3.Session()).run(arguments.tag, migrate=not arguments.back)
    except FAILURES as error:
        print(f"release: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
