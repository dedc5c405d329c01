"""The table of `series` as the OpenTelemetry SDK's MetricsData, sums since the engine's start or the series' own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry.sdk.metrics import export
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from protos.tulle.v1 import engine_pb2
from sidecar.telemetry.histogram import US_A_SECOND, exponential
from sidecar.telemetry.series import Attributes, Kind, Metric, Value

_CUMULATIVE: Final = export.AggregationTemporality.CUMULATIVE


@dataclass(frozen=True, slots=True)
class Covered:
    """What the points cover, nanoseconds since the epoch."""

    start_unix_nano: int
    time_unix_nano: int


def metrics_data(
    metrics: Sequence[Metric], covered: Covered, resource: Resource, scope: InstrumentationScope
) -> export.MetricsData:
    """As the SDK's exporters take them."""
    converted = [export.Metric(one.name, None, one.unit, _data(one, covered)) for one in metrics]
    scoped = export.ScopeMetrics(scope, converted, "")
    return export.MetricsData([export.ResourceMetrics(resource, [scoped], "")])


def _data(metric: Metric, covered: Covered) -> export.Sum | export.Gauge | export.ExponentialHistogram:
    starts = metric.starts or [0] * len(metric.points)
    covers = [Covered(start or covered.start_unix_nano, covered.time_unix_nano) for start in starts]
    points = [(*point, cover) for point, cover in zip(metric.points, covers, strict=True)]
    if metric.kind is Kind.HISTOGRAM:
        return export.ExponentialHistogram([_durations(*point) for point in points], _CUMULATIVE)
    numbers = [_number(*point) for point in points]
    if metric.kind is Kind.SUM:
        return export.Sum(numbers, _CUMULATIVE, is_monotonic=True)
    return export.Gauge(numbers)


def _number(attributes: Attributes, value: Value, covered: Covered) -> export.NumberDataPoint:
    if isinstance(value, engine_pb2.Histogram):
        raise TypeError("a histogram where a number is expected")
    return export.NumberDataPoint(attributes, covered.start_unix_nano, covered.time_unix_nano, value)


def _durations(attributes: Attributes, value: Value, covered: Covered) -> export.ExponentialHistogramDataPoint:
    if not isinstance(value, engine_pb2.Histogram):
        raise TypeError("a number where a histogram is expected")
    buckets = exponential(value)
    return export.ExponentialHistogramDataPoint(
        attributes=attributes,
        start_time_unix_nano=covered.start_unix_nano,
        time_unix_nano=covered.time_unix_nano,
        count=sum(value.count),
        sum=value.sum_us / US_A_SECOND,
        scale=buckets.scale,
        zero_count=buckets.zero_count,
        positive=export.Buckets(buckets.offset, buckets.counts),
        negative=export.Buckets(0, ()),
        flags=0,
        min=buckets.minimum,
        max=value.max_us / US_A_SECOND,
    )
