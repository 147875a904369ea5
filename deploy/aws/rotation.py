"""New tasks after a password was rotated: running ones know the old one, and their pools renew connections hourly."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as calls
from constructs import Construct

from deploy.aws import accepted, names


def event(name: str) -> events.EventPattern:
    """What Secrets Manager tells through CloudTrail: it needs a trail in the account.

    Of every secret of the account, on purpose: a restart too many costs nothing, one too few is an outage, and which
    field names the secret was never seen on a real event.
    """
    return events.EventPattern(
        source=["aws.secretsmanager"],
        detail_type=["AWS Service Event via CloudTrail"],
        detail={"eventSource": ["secretsmanager.amazonaws.com"], "eventName": [name]},
    )


class RestartAfterRotation(Construct):
    """Secrets Manager's own event starts a rolling replacement of both services; no code of ours runs for it."""

    def __init__(self, scope: Construct, id_: str, services: list[ecs.FargateService]) -> None:
        super().__init__(scope, id_)
        restarts = [self._restart(service) for service in services]
        machine = sfn.StateMachine(
            self,
            "Restart",
            definition_body=sfn.DefinitionBody.from_chainable(sfn.Chain.start(restarts[0]).next(restarts[1])),
            timeout=Duration.minutes(5),
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=self._log(), level=sfn.LogLevel.ALL),
        )
        # Log delivery and tracing know no resources.
        accepted.wildcards(machine, "Resource::*")
        events.Rule(
            self,
            "Rotated",
            event_pattern=event("RotationSucceeded"),
            targets=[targets.SfnStateMachine(machine)],
        )

    def _restart(self, service: ecs.FargateService) -> calls.CallAwsService:
        arn = Stack.of(self).format_arn(
            service="ecs", resource="service", resource_name=f"{names.SYSTEM}/{service.service_name}"
        )
        return calls.CallAwsService(
            self,
            f"{service.node.id}Service",
            service="ecs",
            action="updateService",
            parameters={"Cluster": names.SYSTEM, "Service": service.service_name, "ForceNewDeployment": True},
            iam_resources=[arn],
            result_path=sfn.JsonPath.DISCARD,
        )

    def _log(self) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/{names.SYSTEM}/rotation",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
