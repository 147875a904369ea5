"""The infrastructure, synthesised: `python -m deploy.aws.app`, or `npx aws-cdk@2 deploy` in this directory.

Context (-c name=value, or cdk.context.json; see deploy/runbook.md):
  size=small|production, region, repository=owner/name, domain=the api's public name, certificate=ARN;
  zones=letters of two that the account has, without it a,b;
  sources=those that have keys, without it all; settings={"retention_days": 30, ...}; email=who is woken;
  subject=of GitHub's tokens where it carries ids; provider=ARN of GitHub's provider where the account has one;
  desired=0 for the first deployment.
"""

import json
import re
from typing import Any

from aws_cdk import App, Environment, Stack, Tags, Validations
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ssm as ssm
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from deploy.aws import accepted, names
from deploy.aws.data import Data
from deploy.aws.network import Network
from deploy.aws.pipeline import BRANCH, REPOSITORIES, Pipeline
from deploy.aws.rotation import RestartAfterRotation
from deploy.aws.services import Services
from deploy.aws.sizes import SIZES, Size
from deploy.aws.tasks import Images, Tasks
from deploy.aws.watch import Watch
from shared.sources import SOURCES


class System(Stack):
    """Everything that runs and is kept. It goes with the tag that release.py noted down last."""

    def __init__(self, scope: Construct, id_: str, *, options: dict[str, str], **kwargs: Any) -> None:
        super().__init__(scope, id_, **kwargs)
        size = SIZES[options["size"]]
        images = Images(
            api=ecr.Repository.from_repository_name(self, "ApiImages", REPOSITORIES["api"]),
            worker=ecr.Repository.from_repository_name(self, "WorkerImages", REPOSITORIES["worker"]),
            tag=ssm.StringParameter.value_for_string_parameter(self, names.SSM_TAG),
        )
        self.net = Network(self, "Network", size, zones=options["zones"].split(","))
        self.data = Data(self, "Data", self.net, size)
        site = {
            "public_url": f"https://{options['domain']}",
            "trusted_proxies": self.net.balancer_networks,
        }
        self.tasks = Tasks(
            self,
            "Tasks",
            data=self.data,
            images=images,
            size=size,
            site=site,
            settings=_settings(options["settings"]),
        )
        self.services = Services(
            self,
            "Services",
            net=self.net,
            tasks=self.tasks,
            size=size,
            certificate_arn=options["certificate"],
            desired=int(options["desired"]) if options["desired"] else None,
        )
        RestartAfterRotation(self, "Rotation", [self.services.worker, self.services.api])
        self.watch = Watch(
            self,
            "Watch",
            services=self.services,
            data=self.data,
            tasks=self.tasks,
            size=size,
            sources=options["sources"].split(","),
            runbook=f"https://github.com/{options['repository']}/blob/{BRANCH}/deploy/runbook.md",
            email=options["email"],
        )
        self._tell_release(options, size)

    def _tell_release(self, options: dict[str, str], size: Size) -> None:
        target = {
            "cluster": names.SYSTEM,
            "api": f"{names.SYSTEM}-api",
            "worker": f"{names.SYSTEM}-worker",
            "migrate": f"{names.SYSTEM}-migrate",
            "cli": f"{names.SYSTEM}-cli",
            "subnets": self.net.vpc.select_subnets(subnet_group_name="worker").subnet_ids,
            "security_groups": [self.net.worker.security_group_id],
            "log_group": names.LOG_GROUPS["migrate"],
            "url": f"https://{options['domain']}",
            "least": {"api": size.api_tasks[0], "worker": size.worker_tasks[0]},
        }
        ssm.StringParameter(
            self, "Target", parameter_name=names.SSM_TARGET, string_value=self.to_json_string(target)
        )


REQUIRED = ("size", "region", "repository", "domain", "certificate")
DEFAULTS = {
    **dict.fromkeys(REQUIRED, ""),
    "zones": "a,b",
    "sources": ",".join(SOURCES),
    "settings": "{}",
    "subject": "",
    "provider": "",
    "email": "",
    "desired": "",
}


def _settings(given: str) -> dict[str, str]:
    """Raises SystemExit with one sentence for what is no setting, or is a secret."""
    settings = {name: str(value) for name, value in json.loads(given).items()}
    for name in settings:
        if name in names.SECRETS:
            raise SystemExit(f"deploy.aws: {name} is a secret; its place is Secrets Manager")
        try:
            names.env(name)
        except LookupError as error:
            raise SystemExit(f"deploy.aws: -c settings=...: {error}") from None
    return settings


def build(options: dict[str, str], *, outdir: str | None = None) -> App:
    """Both stacks with cdk-nag over them. Raises SystemExit with one sentence for a missing option."""
    options = {**DEFAULTS, **options}
    for name in REQUIRED:
        if not options[name]:
            raise SystemExit(f"deploy.aws: -c {name}=... is needed; see deploy/runbook.md")
    if options["size"] not in SIZES:
        raise SystemExit(f"deploy.aws: -c size={options['size']} is not known; use {' or '.join(SIZES)}")
    if not re.fullmatch(r"([a-z]),(?!\1)[a-z]", options["zones"]):
        raise SystemExit(f"deploy.aws: -c zones={options['zones']} is not known; use two letters, as in a,b")
    if unknown := set(options["sources"].split(",")) - set(SOURCES):
        raise SystemExit(
            f"deploy.aws: -c sources={options['sources']}: {', '.join(sorted(unknown))} is no source"
        )
    app = App(outdir=outdir)
    environment = Environment(region=options["region"])
    pipeline = Pipeline(
        app,
        "NewsIntelPipeline",
        subject=options["subject"] or f"repo:{options['repository']}:ref:refs/heads/{BRANCH}",
        provider=options["provider"],
        env=environment,
    )
    system = System(app, "NewsIntel", options=options, env=environment)
    Tags.of(app).add("project", names.SYSTEM)
    accepted.note(system, pipeline, size=SIZES[options["size"]])
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def main() -> None:
    context = App()
    given = {name: context.node.try_get_context(name) for name in DEFAULTS}
    # A map in cdk.context.json is a map here, and text with -c.
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
        if value is not None
    }
    build(texts).synth()


if __name__ == "__main__":
    main()
