"""What runs: the task definitions of api, worker, migration and set-up, hardened alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import Size as Bytes
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from deploy.aws import accepted, names
from deploy.aws.data import Data
from deploy.aws.sizes import Size, Task
from shared.config import ApiSettings, IngestSettings

# A worker finishes the message in its hands, which a slow source can hold for its time-out; Fargate allows 120.
STOP = Duration.seconds(60)
# A minute of a thousand requests a second; what does not fit is lost, metrics included. The default is a tenth.
LOG_BUFFER = Bytes.mebibytes(10)
RETENTION = {14: logs.RetentionDays.TWO_WEEKS, 30: logs.RetentionDays.ONE_MONTH}

# How a service, unlike a one-off task, writes what it measures.
MEASURED = {names.env("metrics"): "emf"}

# Of worker and scheduler, which answer for their threads alone. The balancer asks the api, and ECS replaces by that:
# what the api tells a container's check fails with the database, and every task would be replaced at once.
HEALTH_CHECK = ecs.HealthCheck(
    command=["CMD", "python", "-m", "shared.probe"],
    interval=Duration.seconds(15),
    timeout=Duration.seconds(5),
    retries=3,
    start_period=Duration.seconds(30),
)


@dataclass(frozen=True)
class Images:
    """Both repositories and the tag that runs in them."""

    api: ecr.IRepository
    worker: ecr.IRepository
    tag: str


class Tasks(Construct):
    """Non-root, read-only root, no capability, secrets by reference, logs in a group of each process.

    site: what only the api must know of where it stands, settings: what an operator wants otherwise; by setting.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        data: Data,
        images: Images,
        size: Size,
        site: Mapping[str, str],
        settings: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self._data = data
        self._images = images
        self.log_groups = {name: self._log_group(name, size) for name in names.LOG_GROUPS}
        self.api = self._api(size.api, site)
        self.worker = self._worker(size.worker)
        self.migrate = self._one_off("migrate", ["python", "-m", "migrations", "upgrade"], "newsintel_owner")
        self.roles = self._roles()
        self.cli = self._cli()

    def _log_group(self, name: str, size: Size) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            f"{name.title()}Log",
            log_group_name=names.LOG_GROUPS[name],
            retention=RETENTION[size.log_days],
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _api(self, task: Task, site: Mapping[str, str]) -> ecs.FargateTaskDefinition:
        definition = self._definition("api", task)
        container = self._container(
            definition,
            "api",
            image=self._images.api,
            role="newsintel_api",
            environment={
                **names.environment(ApiSettings, self._settings),
                **MEASURED,
                names.env("host"): "0.0.0.0",  # noqa: S104 - its security group lets only the balancer in
                names.env("port"): str(names.API_PORT),
                **{names.env(setting): value for setting, value in site.items()},
            },
            secrets=self._secrets("api"),
            checked=False,
        )
        container.add_port_mappings(ecs.PortMapping(container_port=names.API_PORT))
        return definition

    def _worker(self, task: Task) -> ecs.FargateTaskDefinition:
        definition = self._definition("worker", task)
        secrets = self._workers_secrets()
        commands = {
            "interactive": ["python", "-m", "ingest.worker", "--queues", "interactive"],
            "bulk": ["python", "-m", "ingest.worker", "--queues", "bulk"],
            "scheduler": ["python", "-m", "ingest.scheduler"],
        }
        for name, command in commands.items():
            self._container(
                definition,
                name,
                image=self._images.worker,
                role="newsintel_worker",
                log="scheduler" if name == "scheduler" else "worker",
                command=command,
                environment={
                    **names.environment(IngestSettings, self._settings),
                    **MEASURED,
                    names.env("health_port"): str(names.HEALTH_PORTS[name]),
                },
                secrets=secrets,
            )
        return definition

    def _workers_secrets(self) -> dict[str, ecs.Secret]:
        return self._secrets("worker") | {
            names.env(name): ecs.Secret.from_secrets_manager(self._data.sources, name)
            for name in names.SOURCE_SECRETS
        }

    def _secrets(self, process: str) -> dict[str, ecs.Secret]:
        """What each of the two processes has of its own: its user of the cache, its part in signing in."""
        return {names.env("redis_url"): ecs.Secret.from_secrets_manager(self._data.redis_urls[process])} | {
            names.env(name): ecs.Secret.from_secrets_manager(self._data.sign_in[process], name)
            for name in names.SIGN_IN_SECRETS[process]
        }

    def _cli(self) -> ecs.FargateTaskDefinition:
        """The operators' command line, which an operator gives its arguments."""
        return self._one_off(
            "cli",
            ["python", "-m", "ingest.cli", "status"],
            "newsintel_worker",
            log="cli",
            environment=names.environment(IngestSettings, self._settings),
            secrets=self._workers_secrets(),
        )

    def _one_off(
        self,
        name: str,
        command: list[str],
        role: str,
        *,
        log: str = "migrate",
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
    ) -> ecs.FargateTaskDefinition:
        definition = self._definition(name, Task(256, 512))
        self._container(
            definition,
            name,
            image=self._images.worker,
            role=role,
            log=log,
            command=command,
            environment=environment,
            secrets=secrets,
            checked=False,
        )
        return definition

    def _roles(self) -> ecs.FargateTaskDefinition:
        """Makes the database and its three roles, once, as the administrator."""
        definition = self._one_off("roles", ["python", "-m", "migrations.roles"], "")
        container = definition.default_container
        if container is None:
            raise LookupError("the task has no container")
        for role, secret in self._data.roles.items():
            name = f"{role.removeprefix('newsintel_')}_password".upper()
            container.add_secret(f"NEWSINTEL_{name}", ecs.Secret.from_secrets_manager(secret, "password"))
        return definition

    def _definition(self, name: str, task: Task) -> ecs.FargateTaskDefinition:
        return ecs.FargateTaskDefinition(
            self,
            name.title(),
            family=f"{names.SYSTEM}-{name}",
            cpu=task.cpu,
            memory_limit_mib=task.memory,
            # What runs may call nothing of AWS; what starts it may fetch the image and the secrets, and write logs.
            task_role=self._role(name),
            execution_role=self._role(f"{name}-start"),
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )

    def _role(self, name: str) -> iam.Role:
        role = iam.Role(
            self,
            f"{name.title()}Role",
            role_name=names.task_role(name, Stack.of(self).region),
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
        )
        accepted.wildcards(role, "Resource::*")  # the token of the image registry belongs to no repository
        return role

    def _container(
        self,
        definition: ecs.FargateTaskDefinition,
        name: str,
        *,
        image: ecr.IRepository,
        role: str,
        log: str | None = None,
        command: list[str] | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        checked: bool = True,
    ) -> ecs.ContainerDefinition:
        """role: the database role; empty is the administrator, who connects before the database is there."""
        secret = self._data.roles[role] if role else self._data.admin
        return definition.add_container(
            name,
            image=ecs.ContainerImage.from_ecr_repository(image, self._images.tag),
            command=command,
            environment={
                names.env("database_url"): self._database_url(role),
                **(environment or {}),
            },
            # libpq reads the password where it reads the rest; no URL with a password exists anywhere.
            secrets={"PGPASSWORD": ecs.Secret.from_secrets_manager(secret, "password"), **(secrets or {})},
            logging=ecs.LogDrivers.aws_logs(
                log_group=self.log_groups[log or name],
                stream_prefix=name,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
                max_buffer_size=LOG_BUFFER,
            ),
            health_check=HEALTH_CHECK if checked else None,
            readonly_root_filesystem=True,
            user="10001:10001",
            stop_timeout=STOP,
            linux_parameters=_no_capabilities(definition, name),
        )

    def _database_url(self, role: str) -> str:
        address = f"{self._data.database.db_instance_endpoint_address}:{names.POSTGRES_PORT}"
        if not role:
            return f"postgresql://newsintel_admin@{address}/postgres?sslmode=require"
        return f"postgresql://{role}@{address}/{names.DATABASE}?sslmode=require"


def _no_capabilities(definition: ecs.FargateTaskDefinition, name: str) -> ecs.LinuxParameters:
    parameters = ecs.LinuxParameters(definition, f"{name.title()}Linux", init_process_enabled=True)
    parameters.drop_capabilities(ecs.Capability.ALL)
    return parameters
