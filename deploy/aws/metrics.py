"""The application's metrics as CloudWatch objects: a name or a dimension that the code does not emit is refused."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from shared.metrics import METRICS, NAMESPACE, Kind

FIVE_MINUTES = Duration.minutes(5)
# A count is added up; of a gauge the worst is what matters; of timings what all but one in a hundred readers get.
STATISTICS = {Kind.COUNT: "Sum", Kind.GAUGE: "Maximum", Kind.TIMING: "p99"}


def of(
    name: str,
    *,
    period: Duration = FIVE_MINUTES,
    statistic: str | None = None,
    label: str | None = None,
    **dimensions: str,
) -> cloudwatch.Metric:
    """Raises LookupError unless shared.metrics has the name with exactly these dimensions, or as a total."""
    metric = METRICS.get(name)
    if metric is None or not (set(dimensions) == set(metric.dimensions) or (metric.total and not dimensions)):
        raise LookupError(f"shared.metrics has no {name} with {sorted(dimensions)}")
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map=dimensions,
        period=period,
        statistic=statistic or STATISTICS[metric.kind],
        label=label,
    )
