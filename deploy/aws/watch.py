"""What operators see: alarms, the answer to "is it us or the source?", one dashboard, saved queries."""

from collections.abc import Sequence

from aws_cdk import (
    Duration,
)
from aws_cdk import (
    aws_cloudwatch as cloudwatch,
)
from aws_cdk import (
    aws_cloudwatch_actions as actions,
)
from aws_cdk import (
    aws_events as events,
)
from aws_cdk import (
    aws_events_targets as targets,
)
from aws_cdk import (
    aws_iam as iam,
)
from aws_cdk import (
    aws_logs as logs,
)
from aws_cdk import (
    aws_sns as sns,
)
from aws_cdk import (
    aws_sns_subscriptions as subscriptions,
)
from constructs import Construct

from deploy.aws import alarms, metrics, rotation
from deploy.aws.data import Data
from deploy.aws.queries import QUERIES
from deploy.aws.services import Services
from deploy.aws.sizes import Size
from deploy.aws.tasks import Tasks
from shared.commands import Queue
from shared.metrics import FATES, STATUSES, TIERS
from shared.sources import SOURCES

# Our own machinery: while one of these rings, a late source is not the source's fault.
OURS = (
    "no-leader",
    "no-way-out",
    "bulk-waits",
    "commands-wait",
    "database-busy",
    "database-full",
    "cache-full",
    "cache-busy",
)
WIDTH = 24


class Watch(Construct):
    """sources: those that have keys; runbook: address of deploy/runbook.md; email: who is woken, empty for nobody."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        services: Services,
        data: Data,
        tasks: Tasks,
        size: Size,
        sources: Sequence[str],
        runbook: str,
        email: str,
    ) -> None:
        super().__init__(scope, id_)
        self._topic = self._make_topic(email)
        self._runbook = runbook
        self.verdicts: list[cloudwatch.IAlarm] = []
        specs = alarms.specs(services, data, size, sources)
        self.alarms = {spec.name: alarms.make(self, spec, runbook) for spec in specs}
        late = {f"fetch-late-{source}" for source in sources}
        for name, alarm in self.alarms.items():
            # A late source wakes someone through the composites, which say whose fault it is.
            if name not in late:
                alarm.add_alarm_action(actions.SnsAction(self._topic))
        self._whose_fault(sources)
        self._failed_rotations()
        self._dashboard(services)
        self._queries(tasks)

    def _make_topic(self, email: str) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", topic_name="newsintel-alarms", enforce_ssl=True)
        topic.grant_publish(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
        if email:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _whose_fault(self, sources: Sequence[str]) -> None:
        """Us: something of ours rings, or all of several sources are late. A source: it is late and we are well."""
        rule = cloudwatch.AlarmRule
        ringing = {
            name: rule.from_alarm(alarm, cloudwatch.AlarmState.ALARM) for name, alarm in self.alarms.items()
        }
        late = {source: ringing[f"fetch-late-{source}"] for source in sources}
        all_late = [rule.all_of(*late.values())] if len(late) > 1 else []
        ours = rule.any_of(*all_late, *(ringing[name] for name in OURS))
        self._composite(
            "it-is-us",
            rule.all_of(rule.any_of(*late.values()), ours),
            f"News are late and the cause is ours. {self._runbook}#it-is-us",
        )
        for source, is_late in late.items():
            self._composite(
                f"it-is-{source}",
                rule.all_of(is_late, rule.not_(ours)),
                f"{source} is late while everything of ours is well. {self._runbook}#it-is-the-source",
            )

    def _failed_rotations(self) -> None:
        sentence = f"A password was not rotated. {self._runbook}#rotation"
        events.Rule(
            self,
            "RotationFailed",
            event_pattern=rotation.event("RotationFailed"),
            targets=[targets.SnsTopic(self._topic, message=events.RuleTargetInput.from_text(sentence))],
        )

    def _composite(self, name: str, rule: cloudwatch.IAlarmRule, why: str) -> None:
        alarm = cloudwatch.CompositeAlarm(
            self,
            "".join(word.title() for word in name.split("-")),
            composite_alarm_name=f"newsintel-{name}",
            alarm_rule=rule,
            alarm_description=why,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        self.verdicts.append(alarm)

    def _dashboard(self, services: Services) -> None:
        board = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name="newsintel", default_interval=Duration.hours(6)
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(
                alarms=[*self.verdicts, *self.alarms.values()], width=WIDTH, height=5
            )
        )
        board.add_widgets(*_readers(services))
        board.add_widgets(*_news())
        board.add_widgets(*_work())

    def _queries(self, tasks: Tasks) -> None:
        for query in QUERIES:
            logs.CfnQueryDefinition(
                self,
                "Query" + "".join(word.title() for word in query.name.split("-")),
                name=f"newsintel/{query.name}",
                log_group_names=[tasks.log_groups[name].log_group_name for name in query.logs],
                query_string="\n| ".join(query.text),
            )


def _readers(services: Services) -> list[cloudwatch.IWidget]:
    """Golden signals: traffic, errors, latency, saturation."""
    return [
        _graph("Requests by status", [metrics.of("http_requests", status=s, label=s) for s in STATUSES]),
        _graph(
            "Search latency, ms",
            [metrics.of("search_duration", statistic=p, label=p) for p in ("p50", "p95", "p99")],
        ),
        _graph("Answers by tier", [metrics.of("cache_reads", tier=t, label=t) for t in TIERS]),
        _graph(
            "Saturation, %",
            [
                services.api.metric_cpu_utilization(label="api CPU"),
                services.worker.metric_cpu_utilization(label="worker CPU"),
                *(metrics.of("database_pool_used", service=s, label=f"{s} pool") for s in ("api", "worker")),
            ],
        ),
    ]


def _news() -> list[cloudwatch.IWidget]:
    def by_source(name: str) -> list[cloudwatch.IMetric]:
        return [metrics.of(name, source=source, label=source) for source in SOURCES]

    return [
        _graph("Since the last successful fetch, s", by_source("last_fetch_age")),
        _graph("Since the newest article, s", by_source("newest_article_age")),
        _graph("Budget left, %", by_source("budget_left")),
        _graph("Circuit open", by_source("circuit_open")),
    ]


def _work() -> list[cloudwatch.IWidget]:
    queues = [str(queue) for queue in Queue]
    return [
        _graph("Queue age, s", [metrics.of("queue_age", queue=q, label=q) for q in queues]),
        _graph("Queue depth", [metrics.of("queue_depth", queue=q, label=q) for q in queues]),
        _graph(
            "Articles by fate",
            [metrics.of("articles", source=s, fate=f, label=f"{s} {f}") for s in SOURCES for f in FATES],
        ),
        # What the api grows by.
        _graph(
            "Requests of a task in 10 s", [metrics.of("http_requests", statistic="Average", label="requests")]
        ),
    ]


def _graph(title: str, left: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=left, width=WIDTH // 4, height=6)
