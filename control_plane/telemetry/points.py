"""OTLP metrics to points, one shape for every kind of data point (opentelemetry-proto 1.x, metrics.proto)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from control_plane.telemetry.histogram import COARSEST, Histogram

Attribute = str | bool | int | float
Attributes = Mapping[str, Attribute]

MAX_BUCKETS = 4096


@dataclass(frozen=True)
class Point:
    """A value of a series. Times are Unix nanoseconds; `start` is 0 where the sender gave none."""

    name: str
    attributes: Attributes
    value: float | Histogram
    start: int
    time: int
    cumulative: bool
    """False: a gauge, or a delta."""


def attributes(pairs: Iterable[KeyValue]) -> dict[str, Attribute]:
    """Scalars as they are; lists and maps, which no series of ours has, are left out."""
    return {pair.key: value for pair in pairs if (value := scalar(pair.value)) is not None}


def scalar(value: AnyValue) -> Attribute | None:
    """The scalar of an attribute's value."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case _:
            return None


def points(metric: otlp.Metric) -> Iterator[Point]:
    """The points of a metric; summaries, and histograms no engine makes, are left out."""
    match metric.WhichOneof("data"):
        case "gauge":
            yield from (_number(metric.name, one, cumulative=False) for one in metric.gauge.data_points)
        case "sum":
            cumulative = metric.sum.aggregation_temporality == otlp.AGGREGATION_TEMPORALITY_CUMULATIVE
            yield from (_number(metric.name, one, cumulative=cumulative) for one in metric.sum.data_points)
        case "histogram":
            cumulative = metric.histogram.aggregation_temporality == otlp.AGGREGATION_TEMPORALITY_CUMULATIVE
            for one in metric.histogram.data_points:
                if len(one.bucket_counts) == len(one.explicit_bounds) + 1 <= MAX_BUCKETS:
                    value = Histogram.of_bounds(one.explicit_bounds, one.bucket_counts)
                    yield _point(metric.name, one, value, cumulative=cumulative)
        case "exponential_histogram":
            cumulative = metric.exponential_histogram.aggregation_temporality == otlp.AGGREGATION_TEMPORALITY_CUMULATIVE
            for each in metric.exponential_histogram.data_points:
                if each.scale >= COARSEST and len(each.positive.bucket_counts) <= MAX_BUCKETS:
                    yield _point(metric.name, each, _exponential(each), cumulative=cumulative)


def _exponential(point: otlp.ExponentialHistogramDataPoint) -> Histogram:
    positive = point.positive
    # A duration is never negative; what a broken clock made so was short.
    zero = point.zero_count + sum(point.negative.bucket_counts)
    return Histogram.of_buckets(point.scale, zero, positive.offset, positive.bucket_counts)


def _number(name: str, point: otlp.NumberDataPoint, *, cumulative: bool) -> Point:
    value = point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)
    return _point(name, point, value, cumulative=cumulative)


def _point(
    name: str,
    point: otlp.NumberDataPoint | otlp.HistogramDataPoint | otlp.ExponentialHistogramDataPoint,
    value: float | Histogram,
    *,
    cumulative: bool,
) -> Point:
    found = attributes(point.attributes)
    return Point(name, found, value, point.start_time_unix_nano, point.time_unix_nano, cumulative)
