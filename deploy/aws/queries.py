"""Saved Logs Insights queries: what an operator asks the logs first. deploy/runbook.md says when."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Query:
    """logs: names of deploy.aws.names.LOG_GROUPS; text: one command a line."""

    name: str
    logs: tuple[str, ...]
    text: tuple[str, ...]


# What an operator puts the id of an answer, an error or a dead letter in the place of.
PLACEHOLDER: Final = "REQUEST-ID"

QUERIES: Final = (
    Query(
        "errors",
        ("api", "worker", "scheduler", "migrate"),
        (
            "fields @timestamp, service, event, error, exception, command, request_id",
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
        "one-request",
        ("api", "worker", "scheduler"),
        (
            (
                "fields @timestamp, service, event, path, status, slot, command, source, outcome, ms, reason, error, "
                "backfill_id, slice_id"
            ),
            f'filter request_id = "{PLACEHOLDER}"',
            "sort @timestamp asc",
        ),
    ),
    Query(
        "dead-letters",
        ("worker",),
        (
            "fields @timestamp, command, command_id, request_id",
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
            # Not the metric: a line of many values is no number to a query.
            'filter event = "request" and path = "/articles"',
            "stats pct(ms, 50) as median, pct(ms, 99) as p99, max(ms) as slowest by bin(1m)",
        ),
    ),
    Query(
        "starts-and-stops",
        ("worker", "scheduler"),
        (
            "fields @timestamp, event, queues",
            'filter event in ["worker_started", "worker_stopped", "scheduler_started", "scheduler_stopped"]',
            "sort @timestamp desc",
        ),
    ),
)
