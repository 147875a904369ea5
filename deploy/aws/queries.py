"""Saved Logs Insights queries: what an operator asks the logs first. deploy/runbook.md says when."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Query:
    """logs: names of deploy.aws.names.LOG_GROUPS; text: one command a line."""

    name: str
    logs: tuple[str, ...]
    text: tuple[str, ...]


QUERIES: Final = (
    Query(
        "errors",
        ("api", "worker", "scheduler", "migrate"),
        (
            "fields @timestamp, service, event, error, exception, command, command_id",
            'filter level in ["error", "critical"]',
            "sort @timestamp desc",
            "limit 100",
        ),
    ),
    Query(
        "failed-fetches",
        ("worker",),
        (
            'filter event = "fetch_failed"',
            "stats count(*) as failures, latest(reason) as last_reason by source, code",
            "sort failures desc",
        ),
    ),
    Query(
        "one-command",
        ("worker", "scheduler"),
        (
            "fields @timestamp, service, event, command, source, code, reason, error",
            'filter command_id like "COMMAND-ID"',
            "sort @timestamp asc",
        ),
    ),
    Query(
        "dead-letters",
        ("worker",),
        (
            "fields @timestamp, command, command_id",
            'filter event = "command_dead_lettered"',
            "sort @timestamp desc",
            "limit 50",
        ),
    ),
    Query(
        "schedule",
        ("scheduler",),
        (
            "fields @timestamp, event, slot, error",
            'filter event in ["topics_unreadable", "slot_not_sent"]',
            "sort @timestamp desc",
            "limit 50",
        ),
    ),
    Query(
        "source-outcomes",
        ("worker",),
        (
            "filter ispresent(source_calls)",
            "stats sum(source_calls) as calls by source, outcome, bin(15m)",
        ),
    ),
    Query(
        "slow-searches",
        ("api",),
        (
            'filter metric = "search_duration"',
            "stats max(slowest) as slowest_ms by bin(1m)",
        ),
    ),
    Query(
        "starts-and-stops",
        ("api", "worker", "scheduler"),
        (
            "fields @timestamp, service, event, queues",
            'filter event in ["worker_started", "worker_stopped"]',
            "sort @timestamp desc",
        ),
    ),
)
