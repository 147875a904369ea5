"""Two Fargate services behind one load balancer with TLS, and how they grow."""

from aws_cdk import (
    Duration,
    RemovalPolicy,
)
from aws_cdk import (
    aws_applicationautoscaling as scaling,
)
from aws_cdk import (
    aws_cloudwatch as cloudwatch,
)
from aws_cdk import (
    aws_cloudwatch_actions as actions,
)
from aws_cdk import (
    aws_ecs as ecs,
)
from aws_cdk import (
    aws_elasticloadbalancingv2 as elb,
)
from aws_cdk import (
    aws_s3 as s3,
)
from constructs import Construct

from deploy.aws import metrics, names, network
from deploy.aws.network import Network
from deploy.aws.sizes import Size
from deploy.aws.tasks import Tasks
from shared.emf import FLUSH_SECONDS

# The balancer stops sending to a task that stops; its longest answer (a cold query with `Prefer: wait=10`) fits in.
DRAIN = Duration.seconds(30)
CPU_PERCENT = 70
# Of the requests at which tasks are added: what one of them should have.
HELD = 0.8
# A wait that a reader notices, and one that makes the news late.
INTERACTIVE_AGE_SECONDS = 5
BULK_AGE_SECONDS = 120


class Services(Construct):
    """desired: tasks to start with; None leaves the count to the scaling, 0 is for a database without a schema."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        net: Network,
        tasks: Tasks,
        size: Size,
        certificate_arn: str,
        desired: int | None,
    ) -> None:
        super().__init__(scope, id_)
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=names.SYSTEM,
            vpc=net.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )
        self.api = self._service("api", tasks.api, net.api, network.API, desired)
        self.worker = self._service("worker", tasks.worker, net.worker, network.WORKER, desired)
        self.balancer = self._balancer(net)
        self.targets = self._listen(certificate_arn)
        # The least is made at once, whatever the count: without a schema every task of it would end again.
        none = desired == 0
        self._scale_api(size, least=0 if none else size.api_tasks[0])
        self._scale_worker(size, least=0 if none else size.worker_tasks[0])

    def _service(
        self,
        name: str,
        definition: ecs.FargateTaskDefinition,
        group: object,
        subnets: object,
        desired: int | None,
    ) -> ecs.FargateService:
        return ecs.FargateService(
            self,
            name.title(),
            service_name=f"{names.SYSTEM}-{name}",
            cluster=self.cluster,
            task_definition=definition,
            security_groups=[group],
            vpc_subnets=subnets,
            assign_public_ip=False,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            # The old tasks stay until the new ones are healthy.
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=Duration.seconds(60) if name == "api" else None,
            desired_count=desired,
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )

    def _balancer(self, net: Network) -> elb.ApplicationLoadBalancer:
        balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=net.vpc,
            vpc_subnets=network.PUBLIC,
            internet_facing=True,
            security_group=net.balancer,
            drop_invalid_header_fields=True,
            deletion_protection=True,
            # Longer than the longest wait that a reader may ask for, shorter than a hung connection is worth, and than
            # the api keeps an idle one (api.asgi.KEEP_ALIVE_SECONDS).
            idle_timeout=Duration.seconds(30),
        )
        balancer.log_access_logs(
            s3.Bucket(
                self,
                "AccessLogs",
                encryption=s3.BucketEncryption.S3_MANAGED,  # the balancer can write to no other kind
                block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
                enforce_ssl=True,
                lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(30))],
                removal_policy=RemovalPolicy.RETAIN,
            )
        )
        return balancer

    def _listen(self, certificate_arn: str) -> elb.ApplicationTargetGroup:
        self.balancer.add_listener(
            "Http",
            port=80,
            open=False,
            default_action=elb.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True),
        )
        https = self.balancer.add_listener(
            "Https",
            port=443,
            open=False,
            certificates=[elb.ListenerCertificate.from_arn(certificate_arn)],
            ssl_policy=elb.SslPolicy.RECOMMENDED_TLS,
        )
        return https.add_targets(
            "Api",
            port=names.API_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[self.api],
            deregistration_delay=DRAIN,
            health_check=elb.HealthCheck(
                path=names.ALIVE_PATH,
                healthy_http_codes="200",
                interval=Duration.seconds(10),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                # ECS replaces what fails this. A busy task may be late once or twice.
                unhealthy_threshold_count=5,
            ),
        )

    def _scale_api(self, size: Size, least: int) -> None:
        tasks = self.api.auto_scale_task_count(min_capacity=least, max_capacity=size.api_tasks[1])
        tasks.scale_on_cpu_utilization(
            "Cpu",
            target_utilization_percent=CPU_PERCENT,
            scale_out_cooldown=Duration.seconds(60),
            scale_in_cooldown=Duration.seconds(300),
        )
        # Holds what the steps below add: those requests may cost little CPU, and CPU alone would take it away again. No
        # task goes before both agree. Below where the steps begin, so that what they added is still needed.
        tasks.scale_on_request_count(
            "Hold",
            requests_per_target=HELD * size.requests_per_task * 60 / FLUSH_SECONDS,
            target_group=self.targets,
            scale_out_cooldown=Duration.seconds(60),
            scale_in_cooldown=Duration.seconds(300),
        )
        self._grow_on_requests(tasks, size)

    def _grow_on_requests(self, tasks: ecs.ScalableTaskCount, size: Size) -> None:
        """By the average of what each task wrote in FLUSH_SECONDS: in a period as long, the requests of one task.

        Target tracking wants three minutes of evidence, and the balancer counts by the minute. A task that no reader
        asks is in the average too, because the balancer's health checks are requests.

        Within 90 s, by arithmetic: a load that begins just after a line has its first whole period from 20 s on at the
        latest, the third is over at 50, and CloudWatch looks every 10. That leaves 30 s, unproven, for a line to become
        a metric and for the action. What a new task needs to start comes on top.
        """
        tasks.scale_on_metric(
            "Requests",
            metric=metrics.of("http_requests", period=Duration.seconds(FLUSH_SECONDS), statistic="Average"),
            scaling_steps=[
                scaling.ScalingInterval(
                    lower=size.requests_per_task, upper=2 * size.requests_per_task, change=2
                ),
                scaling.ScalingInterval(lower=2 * size.requests_per_task, change=4),
            ],
            adjustment_type=scaling.AdjustmentType.CHANGE_IN_CAPACITY,
            evaluation_periods=3,
            cooldown=Duration.seconds(60),
        )

    def _scale_worker(self, size: Size, least: int) -> None:
        tasks = self.worker.auto_scale_task_count(min_capacity=least, max_capacity=size.worker_tasks[1])
        limits = {"interactive": INTERACTIVE_AGE_SECONDS, "bulk": BULK_AGE_SECONDS}
        ages = {queue: metrics.of("queue_age", queue=queue, period=Duration.minutes(1)) for queue in limits}
        for queue, age in ages.items():
            tasks.scale_on_metric(
                f"{queue.title()}Age",
                metric=age,
                scaling_steps=[
                    scaling.ScalingInterval(lower=limits[queue], upper=6 * limits[queue], change=1),
                    scaling.ScalingInterval(lower=6 * limits[queue], change=2),
                ],
                adjustment_type=scaling.AdjustmentType.CHANGE_IN_CAPACITY,
                evaluation_periods=2,
                cooldown=Duration.minutes(3),
            )
        self._shrink_worker(tasks, ages)

    def _shrink_worker(self, tasks: ecs.ScalableTaskCount, ages: dict[str, cloudwatch.IMetric]) -> None:
        """One worker less for every quarter of an hour in which neither queue waited."""
        waited = cloudwatch.MathExpression(
            expression="MAX([interactive, bulk])",
            using_metrics=ages,
            period=Duration.minutes(1),
            label="longest wait",
        )
        action = scaling.StepScalingAction(
            self,
            "Shrink",
            scaling_target=tasks.node.find_child("Target"),
            adjustment_type=scaling.AdjustmentType.CHANGE_IN_CAPACITY,
            cooldown=Duration.minutes(15),
        )
        action.add_adjustment(adjustment=-1, upper_bound=0)
        quiet = cloudwatch.Alarm(
            self,
            "Quiet",
            metric=waited,
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=15,
            datapoints_to_alarm=15,
            alarm_description="Scaling only: neither queue waited for a quarter of an hour",
        )
        quiet.add_alarm_action(actions.ApplicationScalingAction(action))
