"""Metrics and spans as OTLP's own messages (opentelemetry-proto 1.x): what the SDK's exporters would send of them.

Without the SDK: its imports are 5 MiB and 140 ms that every sidecar would carry, most of them for nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from protos.tulle.v1 import engine_pb2
from sidecar.telemetry.histogram import US_A_SECOND, exponential
from sidecar.telemetry.series import Attributes, Kind, Metric, Reading, Value, metrics
from sidecar.telemetry.span_facts import failure, is_outbound, span_attributes

_CUMULATIVE: Final = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
_LOCAL_PARENT: Final = trace_pb2.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK


def metrics_request(reading: Reading, resource: Resource, scope: InstrumentationScope) -> ExportMetricsServiceRequest:
    """All metrics of a reading, cumulative since the engine's start."""
    start, end = reading.telemetry.start_unix_nano, reading.telemetry.time_unix_nano
    encoded = [_metric(one, start, end) for one in metrics(reading)]
    scoped = metrics_pb2.ScopeMetrics(scope=scope, metrics=encoded)
    return ExportMetricsServiceRequest(
        resource_metrics=[metrics_pb2.ResourceMetrics(resource=resource, scope_metrics=[scoped])]
    )


def spans_request(
    spans: Sequence[engine_pb2.Span], service: str, resource: Resource, scope: InstrumentationScope
) -> ExportTraceServiceRequest:
    """Spans of this sidecar, beside `service`."""
    scoped = trace_pb2.ScopeSpans(scope=scope, spans=[_span(one, service) for one in spans])
    return ExportTraceServiceRequest(resource_spans=[trace_pb2.ResourceSpans(resource=resource, scope_spans=[scoped])])


def key_values(attributes: Mapping[str, str | bool | int]) -> list[KeyValue]:
    """Attributes as OTLP has them."""
    return [KeyValue(key=key, value=_any(value)) for key, value in attributes.items()]


def _any(value: str | bool | int) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)


def _metric(metric: Metric, start: int, end: int) -> metrics_pb2.Metric:
    encoded = metrics_pb2.Metric(name=metric.name, unit=metric.unit)
    if metric.kind is Kind.HISTOGRAM:
        encoded.exponential_histogram.aggregation_temporality = _CUMULATIVE
        encoded.exponential_histogram.data_points.extend(_durations(*point, start, end) for point in metric.points)
    elif metric.kind is Kind.SUM:
        encoded.sum.aggregation_temporality = _CUMULATIVE
        encoded.sum.is_monotonic = True
        encoded.sum.data_points.extend(_number(*point, start, end) for point in metric.points)
    else:
        encoded.gauge.data_points.extend(_number(*point, 0, end) for point in metric.points)
    return encoded


def _number(attributes: Attributes, value: Value, start: int, end: int) -> metrics_pb2.NumberDataPoint:
    if isinstance(value, engine_pb2.Histogram):
        raise TypeError("a histogram where a number is expected")
    point = metrics_pb2.NumberDataPoint(
        attributes=key_values(attributes), start_time_unix_nano=start, time_unix_nano=end
    )
    if isinstance(value, int):
        point.as_int = value
    else:
        point.as_double = value
    return point


def _durations(attributes: Attributes, value: Value, start: int, end: int) -> metrics_pb2.ExponentialHistogramDataPoint:
    if not isinstance(value, engine_pb2.Histogram):
        raise TypeError("a number where a histogram is expected")
    buckets = exponential(value)
    point = metrics_pb2.ExponentialHistogramDataPoint(
        attributes=key_values(attributes),
        start_time_unix_nano=start,
        time_unix_nano=end,
        count=sum(value.count),
        sum=value.sum_us / US_A_SECOND,
        scale=buckets.scale,
        zero_count=buckets.zero_count,
        min=buckets.minimum,
        max=value.max_us / US_A_SECOND,
    )
    if buckets.counts:
        point.positive.offset = buckets.offset
        point.positive.bucket_counts.extend(buckets.counts)
    return point


def _span(span: engine_pb2.Span, service: str) -> trace_pb2.Span:
    encoded = trace_pb2.Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        trace_state=span.trace_state,
        flags=_LOCAL_PARENT,
        name=span.method,
        kind=trace_pb2.Span.SPAN_KIND_CLIENT if is_outbound(span) else trace_pb2.Span.SPAN_KIND_SERVER,
        start_time_unix_nano=span.start_unix_nano,
        end_time_unix_nano=span.end_unix_nano,
        attributes=key_values(span_attributes(span, service)),
    )
    encoded.status.SetInParent()
    if (cause := failure(span)) is not None:
        encoded.status.code = trace_pb2.Status.STATUS_CODE_ERROR
        encoded.status.message = cause
    return encoded
