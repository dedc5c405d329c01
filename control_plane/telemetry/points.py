"""OTLP metrics to points, one shape for every kind of data point (opentelemetry-proto 1.x, metrics.proto)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from control_plane.telemetry.histogram import COARSEST, Histogram

Attribute = str | bool | int | float
Attributes = Mapping[str, Attribute]
_DataPoint = otlp.NumberDataPoint | otlp.HistogramDataPoint | otlp.ExponentialHistogramDataPoint

MAX_BUCKETS: Final = 4096
FINEST_SCALE: Final = 20
"""The finest that OpenTelemetry's data model has (metrics data model, ExponentialHistogram)."""
MOST: Final = float(1 << 48)
"""No count, sum or gauge of ours is over this, and sums of very many of them still fit into 64 bits."""
LONGEST_LOG2: Final = 40
"""No duration is over 2^40 s: a bound or bucket above it is a broken sender's."""


class Point(NamedTuple):
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
    found: dict[str, Attribute] = {}
    for pair in pairs:
        value = pair.value
        # Nearly all are text, and text that is not empty needs no second question: this runs for everything sent.
        scalar = value.string_value or _rarer(value)
        if scalar is not None:
            found[pair.key] = scalar
    return found


def points(metric: otlp.Metric) -> Iterator[Point]:
    """The points of a metric; summaries, and what no sound sender makes, are left out.

    Whatever is let in here is summed, shown and sent on: one NaN would answer every later question with an error.
    """
    name, cumulative = metric.name, _is_cumulative(metric)
    for one, value in _values(metric):
        if _is_sound(value):
            yield Point(
                name, attributes(one.attributes), value, one.start_time_unix_nano, one.time_unix_nano, cumulative
            )


def _rarer(value: AnyValue) -> Attribute | None:
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


def _is_cumulative(metric: otlp.Metric) -> bool:
    match metric.WhichOneof("data"):
        case "sum":
            temporality = metric.sum.aggregation_temporality
        case "histogram":
            temporality = metric.histogram.aggregation_temporality
        case "exponential_histogram":
            temporality = metric.exponential_histogram.aggregation_temporality
        case _:
            return False
    return temporality == otlp.AGGREGATION_TEMPORALITY_CUMULATIVE


def _values(metric: otlp.Metric) -> Iterator[tuple[_DataPoint, float | Histogram]]:
    match metric.WhichOneof("data"):
        case "gauge":
            for number in metric.gauge.data_points:
                yield number, _number(number)
        case "sum":
            for number in metric.sum.data_points:
                yield number, _number(number)
        case "histogram":
            for bounded in metric.histogram.data_points:
                if _has_sound_bounds(bounded):
                    yield bounded, Histogram.of_bounds(bounded.explicit_bounds, bounded.bucket_counts)
        case "exponential_histogram":
            for point in metric.exponential_histogram.data_points:
                if _has_sound_buckets(point):
                    yield point, _exponential(point)


def _is_sound(value: float | Histogram) -> bool:
    """Neither NaN nor infinite (both fail every comparison here) nor below 0 nor beyond measure."""
    return 0 <= (value.total if isinstance(value, Histogram) else value) <= MOST


def _has_sound_bounds(point: otlp.HistogramDataPoint) -> bool:
    longest = 2.0**LONGEST_LOG2
    are_paired = len(point.bucket_counts) == len(point.explicit_bounds) + 1 <= MAX_BUCKETS
    return are_paired and all(-longest <= bound <= longest for bound in point.explicit_bounds)


def _has_sound_buckets(point: otlp.ExponentialHistogramDataPoint) -> bool:
    if not COARSEST <= point.scale <= FINEST_SCALE or len(point.positive.bucket_counts) > MAX_BUCKETS:
        return False
    return point.positive.offset + len(point.positive.bucket_counts) <= LONGEST_LOG2 * 2.0**point.scale


def _exponential(point: otlp.ExponentialHistogramDataPoint) -> Histogram:
    positive = point.positive
    # A duration is never negative; what a broken clock made so was short.
    zero = point.zero_count + sum(point.negative.bucket_counts)
    return Histogram.of_buckets(point.scale, zero, positive.offset, positive.bucket_counts)


def _number(point: otlp.NumberDataPoint) -> float:
    return point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)
