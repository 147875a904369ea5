"""Every alarm: when it rings, why that is worth waking someone, and where the runbook goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from deploy.aws import metrics
from deploy.aws.data import Data
from deploy.aws.lateness import FETCH_LATE_SECONDS, NEWS_OLD_SECONDS
from deploy.aws.services import Services
from deploy.aws.sizes import Size
from shared.errors import UnreachableError
from shared.metrics import OK
from shared.sources import SOURCES

Comparison = cloudwatch.ComparisonOperator
Missing = cloudwatch.TreatMissingData

GIGABYTE = 1024**3
# A way out that is lost is noticed when a second source cannot be reached. The Guardian, second to Reddit, is asked
# every 30 minutes; the rest is for a line to become a metric.
WAY_OUT = Duration.minutes(32)
# Of five minutes each. Nobody is to blame a source for what is ours, so our alarms turn first: no-leader takes two,
# no-way-out WAY_OUT from the last answer of any source.
LATE_PERIODS = 5


@dataclass(frozen=True)
class Spec:
    """periods: how many in a row must be bad. missing: what silence means."""

    name: str
    metric: cloudwatch.IMetric
    threshold: float
    periods: int
    why: str
    below: bool = False
    missing: cloudwatch.TreatMissingData = field(default=Missing.NOT_BREACHING)


def specs(services: Services, data: Data, size: Size, sources: Sequence[str]) -> list[Spec]:
    return [*_readers(services), *_news(sources), *_work(), *_stores(data, size)]


def make(scope: Construct, spec: Spec, runbook: str) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        scope,
        "".join(word.title() for word in spec.name.split("-")),
        alarm_name=f"newsintel-{spec.name}",
        alarm_description=f"{spec.why} {runbook}#{spec.name}",
        metric=spec.metric,
        threshold=spec.threshold,
        evaluation_periods=spec.periods,
        datapoints_to_alarm=spec.periods,
        comparison_operator=Comparison.LESS_THAN_THRESHOLD
        if spec.below
        else Comparison.GREATER_THAN_THRESHOLD,
        treat_missing_data=spec.missing,
    )


def _readers(services: Services) -> list[Spec]:
    minute = Duration.minutes(1)
    balancer, targets = services.balancer.metrics, services.targets.metrics
    failed = cloudwatch.MathExpression(
        # What the balancer answers itself because no task is left is not among the requests.
        expression="100 * (FILL(target, 0) + FILL(own, 0)) / (FILL(requests, 0) + FILL(own, 0))",
        using_metrics={
            "target": targets.http_code_target(
                elb.HttpCodeTarget.TARGET_5XX_COUNT, period=minute, statistic="Sum"
            ),
            "own": balancer.http_code_elb(elb.HttpCodeElb.ELB_5XX_COUNT, period=minute, statistic="Sum"),
            "requests": balancer.request_count(period=minute, statistic="Sum"),
        },
        period=minute,
        label="failed requests, %",
    )
    slow = targets.target_response_time(period=minute, statistic="p99")
    healthy = targets.healthy_host_count(period=minute, statistic="Minimum")
    return [
        Spec("api-errors", failed, 1, 5, "More than 1 % of the requests fail."),
        Spec("api-slow", slow, 1, 5, "One request in a hundred takes longer than a second."),
        Spec(
            "api-no-spare",
            healthy,
            2,
            5,
            "Fewer than two tasks answer: the next loss is an outage.",
            below=True,
            missing=Missing.BREACHING,
        ),
    ]


def _news(sources: Sequence[str]) -> list[Spec]:
    """Of a source that has no key there is nothing to miss."""
    late = [
        Spec(
            f"fetch-late-{source}",
            metrics.of("last_fetch_age", source=source),
            FETCH_LATE_SECONDS[source],
            LATE_PERIODS,
            f"No fetch of {source} succeeded for {FETCH_LATE_SECONDS[source] // 60} minutes.",
            missing=Missing.BREACHING,
        )
        for source in sources
    ]
    old = [
        Spec(
            f"news-old-{source}",
            metrics.of("newest_article_age", source=source),
            NEWS_OLD_SECONDS[source],
            3,
            f"The newest article of {source} is older than {NEWS_OLD_SECONDS[source] // 3600} hours "
            "although fetches may succeed.",
        )
        for source in sources
    ]
    return late + old


def _work() -> list[Spec]:
    return [
        Spec(
            "commands-wait",
            metrics.of("queue_age", queue="interactive", period=Duration.minutes(1)),
            15,
            3,
            "Readers wait for commands that no worker takes.",
        ),
        Spec(
            "bulk-waits",
            metrics.of("queue_age", queue="bulk"),
            1_800,
            3,
            "Cadence fetches have waited for half an hour.",
        ),
        Spec(
            "commands-given-up",
            metrics.of("command_dead_lettered"),
            0,
            1,
            "A command failed after every retry.",
        ),
        Spec(
            "no-leader",
            metrics.of("scheduler_leads", statistic="SampleCount"),
            1,
            2,
            "No scheduler leads: nothing is fetched on its cadence.",
            below=True,
            missing=Missing.BREACHING,
        ),
        Spec(
            "no-way-out",
            _unreachable_sources(),
            1,
            1,
            "Several sources cannot be reached and none answers: the workers' way out is lost.",
        ),
    ]


def _unreachable_sources() -> cloudwatch.IMetric:
    """How many there are, or 0 while another one answers: it is on their side then."""

    def calls(outcome: str) -> dict[str, cloudwatch.IMetric]:
        return {
            f"{source}_{outcome}": metrics.of("source_calls", source=source, outcome=outcome, period=WAY_OUT)
            for source in SOURCES
        }

    # Of what did not happen there is no data.
    answered, unreachable = calls(OK), calls(UnreachableError.code)
    answers = " + ".join(f"FILL({name}, 0)" for name in answered)
    sources = " + ".join(f"(FILL({name}, 0) > 0)" for name in unreachable)
    return cloudwatch.MathExpression(
        expression=f"IF({answers} > 0, 0, {sources})",
        using_metrics=answered | unreachable,
        period=WAY_OUT,
        label="unreachable sources while none answers",
    )


def _stores(data: Data, size: Size) -> list[Spec]:
    database = data.database
    return [
        Spec(
            "database-busy",
            database.metric_cpu_utilization(),
            85,
            3,
            "PostgreSQL uses more than 85 % of its CPU.",
        ),
        Spec(
            "database-full",
            database.metric_free_storage_space(statistic="Minimum"),
            size.database_gb * GIGABYTE * 0.15,
            2,
            "Less than 15 % of the first disk size is free.",
            below=True,
        ),
        Spec(
            "cache-full",
            _worst_node(data, size, "DatabaseMemoryUsagePercentage"),
            80,
            3,
            "Valkey will soon refuse to queue.",
        ),
        Spec(
            "cache-busy",
            _worst_node(data, size, "EngineCPUUtilization"),
            85,
            3,
            "Valkey's one thread is nearly used up.",
        ),
    ]


def _worst_node(data: Data, size: Size, metric: str) -> cloudwatch.IMetric:
    """ElastiCache measures each node, and never the group."""
    nodes = {
        f"node{number}": cloudwatch.Metric(
            namespace="AWS/ElastiCache",
            metric_name=metric,
            dimensions_map={"CacheClusterId": f"{data.cache.ref}-{number:03}"},
            period=Duration.minutes(5),
            statistic="Maximum",
        )
        for number in range(1, size.cache_nodes + 1)
    }
    return cloudwatch.MathExpression(
        expression=f"MAX([{', '.join(nodes)}])",
        using_metrics=nodes,
        period=Duration.minutes(5),
        label="the worst node",
    )
