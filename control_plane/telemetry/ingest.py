"""OTLP in (opentelemetry-proto, collector services): who sends it is who it is about, whatever the resource claims.

Of metrics the mesh's own are kept (protos/names.py); an application's own are taken and let go, its spans are kept.
Calls are counted in the second in which they arrive, so that no sender's clock can write into the past.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_api
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_api
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as OtlpResource
from typing_extensions import override

from control_plane.caller import CallerOf, workload_of
from control_plane.clock import Clock
from control_plane.errors import DeniedError
from control_plane.telemetry.calls import EXTERNAL, INBOUND, OUTBOUND, CallKey, Calls
from control_plane.telemetry.deltas import Deltas, Resource, TooManySeriesError
from control_plane.telemetry.gauges import KEPT, Gauges, Subject
from control_plane.telemetry.histogram import Histogram
from control_plane.telemetry.points import Attributes, Point, attributes, points
from control_plane.telemetry.rollups import Rollups
from control_plane.telemetry.spans import read_spans
from control_plane.telemetry.traces import WaitingTraces
from control_plane.workload import WorkloadRef
from protos import names

Context = grpc.aio.ServicerContext[Any, Any]

_DURATIONS: Final = {names.CLIENT_CALL_DURATION: OUTBOUND, names.SERVER_CALL_DURATION: INBOUND}
_SUMS: Final = {
    names.REQUEST_BYTES: "request_bytes",
    names.RESPONSE_BYTES: "response_bytes",
    names.RETRIES: "retries",
}
_OURS: Final = KEPT | _DURATIONS.keys() | _SUMS.keys()
MAX_LABEL: Final = 256


class ForeignResourceError(DeniedError):
    """A resource claims to be another service than its sender's certificate says."""


@dataclass
class Dropped:
    """What the bounds made us drop since the start."""

    points: int = 0
    spans: int = 0


@dataclass(frozen=True)
class Intake:
    """Where what comes in is kept."""

    rollups: Rollups
    gauges: Gauges
    deltas: Deltas
    waiting: WaitingTraces
    clock: Clock
    dropped: Dropped = field(default_factory=Dropped)


class MetricsIngest(metrics_grpc.MetricsServiceServicer):
    """`MetricsService/Export`."""

    def __init__(self, intake: Intake, caller: CallerOf) -> None:
        self._intake = intake
        self._caller = caller

    @override
    async def Export(
        self, request: metrics_api.ExportMetricsServiceRequest, context: Context
    ) -> metrics_api.ExportMetricsServiceResponse:
        ref = workload_of(self._caller(context))
        batches = [(identify(one.resource, ref), one.scope_metrics) for one in request.resource_metrics]
        dropped = 0
        for resource, scopes in batches:
            metrics = (metric for scope in scopes for metric in scope.metrics if metric.name in _OURS)
            dropped += take_points(self._intake, resource, (point for metric in metrics for point in points(metric)))
        self._intake.dropped.points += dropped
        response = metrics_api.ExportMetricsServiceResponse()
        if dropped:
            response.partial_success.rejected_data_points = dropped
            response.partial_success.error_message = (
                f"{dropped} data points dropped: too many series; fewer methods, targets or instances are needed"
            )
        return response


class TraceIngest(trace_grpc.TraceServiceServicer):
    """`TraceService/Export`."""

    def __init__(self, intake: Intake, caller: CallerOf) -> None:
        self._intake = intake
        self._caller = caller

    @override
    async def Export(
        self, request: trace_api.ExportTraceServiceRequest, context: Context
    ) -> trace_api.ExportTraceServiceResponse:
        ref = workload_of(self._caller(context))
        batches = [(identify(one.resource, ref), one.scope_spans) for one in request.resource_spans]
        now = self._intake.clock.monotonic()
        dropped = 0
        for (service, _), scopes in batches:
            for trace_id, span in read_spans(service, scopes):
                dropped += not self._intake.waiting.add(trace_id, span, now)
        self._intake.dropped.spans += dropped
        response = trace_api.ExportTraceServiceResponse()
        if dropped:
            response.partial_success.rejected_spans = dropped
            response.partial_success.error_message = f"{dropped} spans dropped: too many at once; sample fewer traces"
        return response


def identify(resource: OtlpResource, sender: WorkloadRef) -> Resource:
    """Service and instance. ForeignResourceError: the resource names another service than the sender's."""
    given = attributes(resource.attributes)
    namespace = str(given.get("service.namespace", sender.namespace))
    name = str(given.get("service.name", sender.service))
    # Without a name of its own, the SDK calls every process so (OpenTelemetry resource semantic conventions).
    if name.startswith("unknown_service"):
        name = sender.service
    if (namespace, name) != (sender.namespace, sender.service):
        raise ForeignResourceError(
            f"the resource says {namespace}/{name}, the certificate says {sender.name}",
            hint="set service.namespace and service.name to the service's own, or leave them out",
        )
    return sender.name, str(given.get("service.instance.id", ""))[:MAX_LABEL]


def take_points(intake: Intake, resource: Resource, found: Iterable[Point]) -> int:
    """Count points; how many were dropped."""
    known = intake.deltas.begin(resource, intake.clock.monotonic())
    dropped = 0
    for point in found:
        try:
            dropped += not _take(intake, resource, point, known=known)
        except TooManySeriesError:
            dropped += 1
    intake.gauges.settle(resource, intake.clock.monotonic())
    return dropped


def _take(intake: Intake, resource: Resource, point: Point, *, known: bool) -> bool:
    if point.name in KEPT and isinstance(point.value, float):
        return intake.gauges.set(resource, _subject(point.attributes), point.name, point.value)
    if point.name in _DURATIONS or point.name in _SUMS:
        added = intake.deltas.delta(resource, point, known=known)
        if isinstance(added, Histogram) == (point.name in _DURATIONS) and _amount(added):
            cell = intake.rollups.cell(int(intake.clock.now().timestamp()), _call_key(resource[0], point))
            if cell is None:
                return False
            _count(cell, point.name, added)
    return True


def _count(calls: Calls, name: str, added: float | Histogram) -> None:
    if isinstance(added, Histogram):
        calls.count += added.total
        calls.durations.add(added)
    else:
        setattr(calls, _SUMS[name], getattr(calls, _SUMS[name]) + int(added))


def _amount(added: float | Histogram) -> float:
    return added.total if isinstance(added, Histogram) else added


def _call_key(service: str, point: Point) -> CallKey:
    """The series. Whose sidecar counted is known from its certificate, so that end of the call is never as claimed."""
    given = point.attributes
    direction = _DURATIONS.get(point.name) or (OUTBOUND if names.CLUSTER in given else INBOUND)
    source, target = _text(given, names.SOURCE) or EXTERNAL, _text(given, names.TARGET) or EXTERNAL
    return CallKey(
        direction=direction,
        source=service if direction == OUTBOUND else source,
        target=service if direction == INBOUND else target,
        cluster=_text(given, names.CLUSTER),
        method=_text(given, names.RPC_METHOD) or "other",
        status=_text(given, names.RPC_STATUS) or "OK",
        reason=_text(given, names.REASON),
        mtls=given.get(names.MTLS) in (True, "true", "True"),
    )


def _subject(given: Attributes) -> Subject:
    return Subject(_text(given, names.TARGET), _text(given, names.CLUSTER), _text(given, names.ENDPOINT))


def _text(given: Attributes, name: str) -> str:
    return str(given.get(name, ""))[:MAX_LABEL]
