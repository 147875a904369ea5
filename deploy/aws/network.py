"""The network: two zones, and a wall for each need - the api reaches no internet, only the worker has egress."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from deploy.aws import names
from deploy.aws.sizes import Size

HTTPS = ec2.Port.tcp(443)
POSTGRES = ec2.Port.tcp(names.POSTGRES_PORT)
REDIS = ec2.Port.tcp(names.REDIS_PORT)

PUBLIC = ec2.SubnetSelection(subnet_group_name="public")
API = ec2.SubnetSelection(subnet_group_name="api")
WORKER = ec2.SubnetSelection(subnet_group_name="worker")
DATA = ec2.SubnetSelection(subnet_group_name="data")

# What a task needs of AWS itself: its image, its secrets, a place for its logs. S3 holds the image's layers.
ENDPOINTS = {
    "Ecr": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
}


class Network(Construct):
    """Subnets public (balancer, NAT), api and data (no way out), worker (out through NAT); a security group each."""

    def __init__(self, scope: Construct, id_: str, size: Size, *, zones: list[str]) -> None:
        """zones: their letters, as this account has them."""
        super().__init__(scope, id_)
        region = Stack.of(self).region
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.40.0.0/16"),
            # By name: CDK would otherwise write made-up zones into a template that is synthesised without an account.
            availability_zones=[f"{region}{zone}" for zone in zones],
            nat_gateways=size.nat_gateways,
            subnet_configuration=[
                _subnets("public", ec2.SubnetType.PUBLIC),
                _subnets("api", ec2.SubnetType.PRIVATE_ISOLATED),
                _subnets("worker", ec2.SubnetType.PRIVATE_WITH_EGRESS),
                _subnets("data", ec2.SubnetType.PRIVATE_ISOLATED),
            ],
            flow_logs={"Rejected": self._flow_log()},
        )
        self.balancer = self._group("Balancer", "readers")
        self.api = self._group("Api", "the query API")
        self.worker = self._group("Worker", "worker, scheduler, migrations")
        self.database = self._group("Database", "PostgreSQL")
        self.cache = self._group("Cache", "Valkey")
        self._allow()
        self._endpoints(size)

    @property
    def balancer_networks(self) -> str:
        """Where the balancer's own addresses are: what they write into X-Forwarded-For may be believed."""
        subnets = self.vpc.select_subnets(subnet_group_name="public").subnets
        return ",".join(subnet.ipv4_cidr_block for subnet in subnets)

    def _allow(self) -> None:
        """Every arrow of the design, and no other."""
        for port in (80, 443):
            self.balancer.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "readers")
        self._arrow(self.balancer, self.api, ec2.Port.tcp(names.API_PORT))
        for service in (self.api, self.worker):
            self._arrow(service, self.database, POSTGRES)
            self._arrow(service, self.cache, REDIS)
        # To the endpoints and to S3, whose addresses have no group; the api's subnets have no route to anywhere else.
        self.api.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, "AWS endpoints")
        self.worker.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, "AWS endpoints and news sources")

    def _arrow(self, source: ec2.SecurityGroup, target: ec2.SecurityGroup, port: ec2.Port) -> None:
        source.add_egress_rule(target, port)
        target.add_ingress_rule(source, port)

    def _endpoints(self, size: Size) -> None:
        isolated = [API, WORKER]
        storage = self.vpc.add_gateway_endpoint(
            "S3", service=ec2.GatewayVpcEndpointAwsService.S3, subnets=isolated
        )
        storage.add_to_policy(self._layers())
        doors = self._group("Endpoints", "AWS endpoints")
        for service in (self.api, self.worker):
            doors.add_ingress_rule(service, HTTPS)
        zones = self.vpc.availability_zones[: size.endpoint_zones]
        for name, service in ENDPOINTS.items():
            endpoint = self.vpc.add_interface_endpoint(
                name,
                service=service,
                subnets=ec2.SubnetSelection(subnet_group_name="api", availability_zones=zones),
                security_groups=[doors],
                open=False,
            )
            endpoint.add_to_policy(self._ours())

    def _layers(self) -> iam.PolicyStatement:
        """Where ECR keeps the layers of images: no other bucket can be read, none written."""
        stack = Stack.of(self)
        bucket = f"arn:{stack.partition}:s3:::prod-{stack.region}-starport-layer-bucket"
        return iam.PolicyStatement(
            principals=[iam.AnyPrincipal()], actions=["s3:GetObject"], resources=[f"{bucket}/*"]
        )

    def _ours(self) -> iam.PolicyStatement:
        """With credentials of this account alone: what is stolen does not leave by another account's log or image."""
        return iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=["*"],
            resources=["*"],
            conditions={"StringEquals": {"aws:PrincipalAccount": Stack.of(self).account}},
        )

    def _group(self, name: str, what: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, name, vpc=self.vpc, description=what, allow_all_outbound=False)

    def _flow_log(self) -> ec2.FlowLogOptions:
        group = logs.LogGroup(
            self,
            "FlowLog",
            log_group_name=f"/{names.SYSTEM}/network",
            retention=logs.RetentionDays.TWO_WEEKS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        return ec2.FlowLogOptions(
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )


def _subnets(name: str, kind: ec2.SubnetType) -> ec2.SubnetConfiguration:
    return ec2.SubnetConfiguration(name=name, subnet_type=kind, cidr_mask=22)
