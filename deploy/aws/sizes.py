"""The two sizes: what they cost and what they give up. deploy/runbook.md has the cost table."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Task:
    """CPU in units of 1/1024 of a core, memory in MiB: the pairs that Fargate sells."""

    cpu: int
    memory: int


@dataclass(frozen=True)
class Size:
    """Everything that differs between a small and a production system."""

    nat_gateways: (
        int  # one: a lost zone stops the worker's calls to sources until it is back; readers notice nothing
    )
    endpoint_zones: int  # interface endpoints are paid for by zone; the other zone reaches them across
    database: str  # RDS instance class, without "db."
    database_gb: int
    database_multi_az: bool
    database_backup_days: int
    cache: str  # ElastiCache node type
    cache_nodes: int  # two or more fail over by themselves
    api: Task
    api_tasks: tuple[int, int]
    worker: Task
    worker_tasks: tuple[int, int]
    requests_per_task: int  # in ten seconds (shared.emf.FLUSH_SECONDS), above which tasks are added at once
    log_days: int


# No redundancy where its absence costs minutes of downtime and no data: one NAT gateway, one database instance with
# point-in-time recovery, one cache node. Readers still have two tasks in two zones.
SMALL: Final = Size(
    nat_gateways=1,
    endpoint_zones=1,
    database="t4g.small",
    database_gb=20,
    database_multi_az=False,
    database_backup_days=7,
    cache="cache.t4g.micro",
    cache_nodes=1,
    api=Task(256, 512),
    api_tasks=(2, 10),
    worker=Task(512, 1024),
    worker_tasks=(1, 3),
    requests_per_task=1_000,
    log_days=14,
)

PRODUCTION: Final = Size(
    nat_gateways=2,
    endpoint_zones=2,
    database="m7g.large",
    database_gb=100,
    database_multi_az=True,
    database_backup_days=14,
    cache="cache.m7g.large",
    cache_nodes=2,
    api=Task(512, 1024),
    api_tasks=(2, 10),
    worker=Task(1024, 2048),
    worker_tasks=(2, 6),
    requests_per_task=2_000,
    log_days=30,
)

SIZES: Final = {"small": SMALL, "production": PRODUCTION}
