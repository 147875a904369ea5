"""What the pipeline needs before anything else is there: image repositories, and a role for one branch."""

from collections.abc import Iterable

from aws_cdk import (
    Duration,
    RemovalPolicy,
    Stack,
)
from aws_cdk import (
    aws_ecr as ecr,
)
from aws_cdk import (
    aws_iam as iam,
)
from aws_cdk import (
    aws_ssm as ssm,
)
from constructs import Construct

from deploy.aws import accepted, names

ISSUER = "token.actions.githubusercontent.com"
BRANCH = "main"
# Enough to go back to any release of the last weeks.
KEEP_IMAGES = 30
REPOSITORIES = {name: f"{names.SYSTEM}-{name}" for name in ("api", "worker")}


class Pipeline(Stack):
    """subject: of the tokens of the one branch; provider: ARN of GitHub's OIDC provider, empty to make it."""

    def __init__(self, scope: Construct, id_: str, *, subject: str, provider: str, **kwargs: object) -> None:
        super().__init__(scope, id_, **kwargs)
        self.repositories = {name: self._repository(name) for name in REPOSITORIES}
        ssm.StringParameter(
            self,
            "Tag",
            parameter_name=names.SSM_TAG,
            string_value="none",
            description="The image tag that runs; release.py writes it, the system's stack reads it",
        )
        self.role = self._role(subject, provider or self._provider())
        self._allow_images()
        self._allow_release()

    def _repository(self, name: str) -> ecr.Repository:
        return ecr.Repository(
            self,
            name.title(),
            repository_name=REPOSITORIES[name],
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.AES_256,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=KEEP_IMAGES)],
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _provider(self) -> str:
        return iam.CfnOIDCProvider(
            self, "GitHub", url=f"https://{ISSUER}", client_id_list=["sts.amazonaws.com"]
        ).ref

    def _role(self, subject: str, provider: str) -> iam.Role:
        """Bound to the branch: a pull request or a fork gets a token that this role does not accept."""
        return iam.Role(
            self,
            "Release",
            role_name=f"{names.SYSTEM}-release-{self.region}",
            max_session_duration=Duration.hours(1),
            assumed_by=iam.WebIdentityPrincipal(
                provider,
                {
                    "StringEquals": {
                        f"{ISSUER}:aud": "sts.amazonaws.com",
                        f"{ISSUER}:sub": subject,
                    }
                },
            ),
        )

    def _allow_images(self) -> None:
        for repository in self.repositories.values():
            repository.grant_pull_push(self.role)
        self._accept_stars(["*"])  # the token of the registry belongs to no repository

    def _allow_release(self) -> None:
        """What release.py calls, on what it calls it."""

        def arn(service: str, resource: str) -> str:
            return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

        self._allow(["ecs:DescribeServices", "ecs:UpdateService"], arn("ecs", f"service/{names.SYSTEM}/*"))
        self._allow(["ecs:RunTask"], arn("ecs", f"task-definition/{names.SYSTEM}-migrate:*"))
        self._allow(["ecs:DescribeTasks"], arn("ecs", f"task/{names.SYSTEM}/*"))
        # Neither of these knows resources.
        self._allow(["ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition"], "*")
        self._allow(["ssm:GetParameter"], arn("ssm", f"parameter{names.SSM_TARGET}"))
        self._allow(["ssm:PutParameter"], arn("ssm", f"parameter{names.SSM_TAG}"))
        self._allow(["logs:GetLogEvents"], arn("logs", f"log-group:{names.LOG_GROUPS['migrate']}:*"))
        roles = [
            f"arn:{self.partition}:iam::{self.account}:role/{names.task_role(name + kind, self.region)}"
            for name in names.RELEASED
            for kind in ("", "-start")
        ]
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=roles,
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            )
        )

    def _allow(self, actions: list[str], *resources: str) -> None:
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=list(resources)))
        self._accept_stars(resources)

    def _accept_stars(self, resources: Iterable[str]) -> None:
        """What the policy above names with a star, and nothing that it does not name."""
        spelled = [
            name.replace(self.partition, "<AWS::Partition>").replace(self.account, "<AWS::AccountId>")
            for name in resources
        ]
        accepted.wildcards(self.role, *(f"Resource::{name}" for name in spelled if name.endswith("*")))
