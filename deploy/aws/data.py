"""What is kept: PostgreSQL, Valkey, and the secrets that open them."""

from aws_cdk import (
    Duration,
    Fn,
    RemovalPolicy,
    SecretValue,
)
from aws_cdk import (
    aws_ec2 as ec2,
)
from aws_cdk import (
    aws_elasticache as elasticache,
)
from aws_cdk import (
    aws_rds as rds,
)
from aws_cdk import (
    aws_secretsmanager as secrets,
)
from constructs import Construct

from deploy.aws import names, network
from deploy.aws.network import Network
from deploy.aws.sizes import Size

ROTATION = Duration.days(30)
VALKEY_VERSION = "8.1"

POSTGRES_PARAMETERS = {
    "rds.force_ssl": "1",
    # What is slower than the api's own limit for a search is worth reading.
    "log_min_duration_statement": "2000",
    "log_lock_waits": "1",
    # A forgotten transaction keeps VACUUM from cleaning up; the worker's role has a shorter limit of its own.
    "idle_in_transaction_session_timeout": "300000",
    "random_page_cost": "1.1",
    "jit": "0",
}


class Data(Construct):
    """The database with its three roles, the cache with its two users, the keys of sources and sessions."""

    def __init__(self, scope: Construct, id_: str, net: Network, size: Size) -> None:
        super().__init__(scope, id_)
        self.database = self._database(net, size)
        self.roles = {role: self._role(role, net) for role in names.ROLES}
        self._rotate_master(net)
        self.redis_urls: dict[str, secrets.Secret] = {}
        self.cache = self._cache(net, size)
        self.sources = self._filled_in("Sources", "sources", names.SOURCE_SECRETS)
        self.sign_in = {
            process: self._filled_in(f"SignIn{process.title()}", f"sign-in/{process}", fields)
            for process, fields in names.SIGN_IN_SECRETS.items()
        }

    def _filled_in(self, id_: str, name: str, fields: tuple[str, ...]) -> secrets.Secret:
        return secrets.Secret(
            self,
            id_,
            secret_name=f"{names.SYSTEM}/{name}",
            description="An operator fills it in; an empty field means not configured",
            secret_object_value={field: SecretValue.unsafe_plain_text("") for field in fields},
        )

    def _database(self, net: Network, size: Size) -> rds.DatabaseInstance:
        engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_18)
        return rds.DatabaseInstance(
            self,
            "Postgres",
            engine=engine,
            instance_type=ec2.InstanceType(size.database),
            allocated_storage=size.database_gb,
            max_allocated_storage=size.database_gb * 5,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            multi_az=size.database_multi_az,
            vpc=net.vpc,
            vpc_subnets=network.DATA,
            security_groups=[net.database],
            publicly_accessible=False,
            credentials=rds.Credentials.from_generated_secret(
                "newsintel_admin", secret_name=f"{names.SYSTEM}/database/admin"
            ),
            parameter_group=rds.ParameterGroup(
                self, "Parameters", engine=engine, parameters=POSTGRES_PARAMETERS
            ),
            backup_retention=Duration.days(size.database_backup_days),
            copy_tags_to_snapshot=True,
            deletion_protection=True,
            removal_policy=RemovalPolicy.SNAPSHOT,
            enable_performance_insights=True,
            cloudwatch_logs_exports=["postgresql"],
            auto_minor_version_upgrade=True,
            preferred_backup_window="03:00-03:30",
            preferred_maintenance_window="sun:04:00-sun:05:00",
        )

    def _role(self, role: str, net: Network) -> secrets.ISecret:
        """A secret for a role of migrations/roles.sql, changed in the database and here by itself."""
        secret = rds.DatabaseSecret(
            self,
            _title(role),
            username=role,
            secret_name=f"{names.SYSTEM}/database/{role}",
            dbname=names.DATABASE,
        )
        attached = secret.attach(self.database)
        self._rotate(f"{_title(role)}Rotation", attached, net)
        return attached

    def _rotate_master(self, net: Network) -> None:
        secret = self.database.secret
        if secret is None:
            raise LookupError("the database has no secret of its own")
        self.admin: secrets.ISecret = secret
        self._rotate("AdminRotation", secret, net)

    def _rotate(self, id_: str, secret: secrets.ISecret, net: Network) -> None:
        secrets.SecretRotation(
            self,
            id_,
            application=secrets.SecretRotationApplication.POSTGRES_ROTATION_SINGLE_USER,
            secret=secret,
            # Not the database itself, whose port is not known yet: CDK would not see that the rule is there already.
            target=ec2.Connections(security_groups=[net.database], default_port=network.POSTGRES),
            vpc=net.vpc,
            vpc_subnets=network.WORKER,
            security_group=net.worker,
            automatically_after=ROTATION,
            # The first deployment makes the secrets before anybody made the roles.
            rotate_immediately_on_update=False,
        )

    def _cache(self, net: Network, size: Size) -> elasticache.CfnReplicationGroup:
        subnets = elasticache.CfnSubnetGroup(
            self,
            "CacheSubnets",
            description="no way in or out",
            subnet_ids=net.vpc.select_subnets(subnet_group_name="data").subnet_ids,
        )
        passwords = {user: self._password(user) for user in ("api", "worker")}
        users = [
            self._user("api", names.ACL_API, passwords["api"]),
            self._user("worker", names.ACL_WORKER, passwords["worker"]),
        ]
        group = elasticache.CfnUserGroup(
            self,
            "CacheUsers",
            engine="valkey",
            user_group_id=f"{names.SYSTEM}-users",
            user_ids=[user.ref for user in users],
        )
        cache = elasticache.CfnReplicationGroup(
            self,
            "Cache",
            replication_group_description="queues, cache, budgets",
            engine="valkey",
            engine_version=VALKEY_VERSION,
            cache_node_type=size.cache,
            num_cache_clusters=size.cache_nodes,
            automatic_failover_enabled=size.cache_nodes > 1,
            multi_az_enabled=size.cache_nodes > 1,
            at_rest_encryption_enabled=True,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            user_group_ids=[group.ref],
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[net.cache.security_group_id],
            port=names.REDIS_PORT,
            # The queue is in here: a snapshot a day bounds what a lost node takes along.
            snapshot_retention_limit=3,
            snapshot_window="02:00-03:00",
            auto_minor_version_upgrade=True,
        )
        for user, password in passwords.items():
            self.redis_urls[user] = self._redis_url(user, password, cache)
        return cache

    def _password(self, user: str) -> secrets.Secret:
        return secrets.Secret(
            self,
            f"Cache{_title(user)}Password",
            secret_name=f"{names.SYSTEM}/cache/{user}-password",
            generate_secret_string=secrets.SecretStringGenerator(
                password_length=40, exclude_punctuation=True, include_space=False
            ),
        )

    def _user(self, name: str, acl: str, password: secrets.Secret) -> elasticache.CfnUser:
        return elasticache.CfnUser(
            self,
            f"Cache{_title(name)}",
            engine="valkey",
            user_id=f"{names.SYSTEM}-{name}",
            user_name=name,
            access_string=acl,
            authentication_mode={"Type": "password", "Passwords": [password.secret_value.unsafe_unwrap()]},
        )

    def _redis_url(
        self, user: str, password: secrets.Secret, cache: elasticache.CfnReplicationGroup
    ) -> secrets.Secret:
        """The whole URL as one secret, put together by CloudFormation; the password is in no template."""
        host = cache.attr_primary_end_point_address
        url = Fn.join(
            "",
            [
                "rediss://",
                user,
                ":",
                password.secret_value.unsafe_unwrap(),
                "@",
                host,
                f":{names.REDIS_PORT}",
            ],
        )
        return secrets.Secret(
            self,
            f"Cache{_title(user)}Url",
            secret_name=f"{names.SYSTEM}/cache/{user}-url",
            secret_string_value=SecretValue.unsafe_plain_text(url),
        )


def _title(name: str) -> str:
    return name.removeprefix("newsintel_").title()
