"""A sender's senseless numbers are its own trouble: they are left out, and every question is still answered."""

import time
from collections.abc import Callable
from math import inf, nan

import grpc
import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from protos import names
from protos.tulle.v1 import telemetry_pb2
from tests.control_plane.properties.methods import method_of
from tests.control_plane.properties.served import Served
from tests.support.waiting import until

METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
QUERY = "/tulle.v1.TelemetryQuery"
DURATION, SUMS = names.CLIENT_CALL_DURATION, (names.REQUEST_BYTES, names.RETRIES)
GAUGES = (names.SERVICE_STATE, names.CERT_EXPIRY, names.CONFIG_REVISION, names.ENDPOINT_STATE, names.ENDPOINT_EWMA)
TRACE = bytes(range(1, 17))
MOST = (1 << 64) - 1
Fill = Callable[[otlp.Metric], object]


def bounds(*given: float) -> Fill:
    return lambda metric: metric.histogram.data_points.add(explicit_bounds=given, bucket_counts=[1] * (len(given) + 1))


def buckets(scale: int, offset: int, counts: tuple[int, ...] = (1,), zero: int = 0) -> Fill:
    positive = otlp.ExponentialHistogramDataPoint.Buckets(offset=offset, bucket_counts=counts)
    return lambda metric: metric.exponential_histogram.data_points.add(scale=scale, zero_count=zero, positive=positive)


def sums(value: float) -> Fill:
    return lambda metric: metric.sum.data_points.add(as_double=value)


def gauges(value: float) -> Fill:
    return lambda metric: metric.gauge.data_points.add(as_double=value)


HISTOGRAMS: dict[str, Fill] = {
    "an infinite bound": bounds(inf),
    "no number as a bound": bounds(nan, 1.0),
    "bounds without a middle": bounds(-inf, inf),
    "bounds whose sum is infinite": bounds(1e308, 1.7e308),
    "durations without end": buckets(4, (1 << 31) - 1),
    "durations without end, coarse": buckets(-10, 5),
    "a scale that nobody has": buckets((1 << 31) - 1, (1 << 31) - 1),
    "durations of nothing": buckets(4, -(1 << 31)),
    "counts without end": buckets(4, 0, (MOST, MOST)),
    "a zero count without end": buckets(4, 0, (MOST,), MOST),
}
NUMBERS = (nan, inf, -inf, 1e300, -1e30, -1.0, 5e-324)
BROKEN: dict[str, tuple[str, Fill]] = {
    **{title: (DURATION, fill) for title, fill in HISTOGRAMS.items()},
    **{f"{name} {value}": (name, sums(value)) for name in SUMS for value in NUMBERS},
    **{f"{name} {value}": (name, gauges(value)) for name in GAUGES for value in NUMBERS},
}


@pytest.mark.parametrize(("name", "fill"), BROKEN.values(), ids=BROKEN)
def test_a_senseless_number_blinds_nobody(name: str, fill: Fill, plane: Served) -> None:
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    fill(request.resource_metrics.add().scope_metrics.add().metrics.add(name=name))
    assert plane.call("Workload", method_of(METRICS), request).code is grpc.StatusCode.OK
    plane.ask(f"{QUERY}/GetTopology", telemetry_pb2.TopologyRequest(window_ms=900_000))
    plane.ask(f"{QUERY}/GetStats", telemetry_pb2.StatsRequest(window_ms=900_000))
    assert plane.complaints.lines == []


@pytest.mark.parametrize("field", ["start_time_unix_nano", "end_time_unix_nano"])
def test_a_span_of_no_time_on_earth_is_left_out(field: str, plane: Served) -> None:
    """The others of its trace are kept, in memory and on disk."""
    request = trace_service_pb2.ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    now = time.time_ns()  # traces of long ago are not kept
    scope.spans.add(trace_id=TRACE, span_id=b"\x01" * 8, name="sound", start_time_unix_nano=now)
    scope.spans.add(trace_id=TRACE, span_id=b"\x02" * 8, name="senseless", **{field: MOST})
    assert plane.call("Workload", method_of(TRACES), request).code is grpc.StatusCode.OK
    asked = telemetry_pb2.GetTraceRequest(trace_id=TRACE.hex())
    assert _names(plane.ask(f"{QUERY}/GetTrace", asked)) == ["sound"]
    plane.clock.advance(60)
    until(lambda: _names(plane.ask(f"{QUERY}/GetTrace", asked)) == ["sound"], "the trace, once it is on disk")
    assert plane.complaints.lines == []


@pytest.mark.parametrize("start", [-1, -(1 << 63)])
def test_a_chart_from_before_1970_is_refused_by_its_field(start: int, plane: Served) -> None:
    request = telemetry_pb2.SeriesRequest(from_unix_ms=start, to_unix_ms=start + 1_000_000, step_ms=1000)
    answer = plane.call("Operator", method_of(f"{QUERY}/GetSeries"), request)
    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert answer.details.startswith("from_unix_ms is before 1970")


def _names(found: Message) -> list[str]:
    assert isinstance(found, telemetry_pb2.GetTraceResponse)
    return [span.name for span in found.spans]
