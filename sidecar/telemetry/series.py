"""What the engine's telemetry means: one table of metrics, from which OTLP and Prometheus are made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

import grpc

from protos import names
from protos.tulle.v1 import engine_pb2

EXTERNAL: Final = "external"

Attributes = Mapping[str, str | bool]
Value = int | float | engine_pb2.Histogram

_STATUS_NAMES: Final[dict[int, str]] = {code.value[0]: code.name for code in grpc.StatusCode}
_SPIFFE: Final = "spiffe://"


class Kind(Enum):
    """How values are to be read."""

    GAUGE = auto()
    SUM = auto()  # monotonic and cumulative
    HISTOGRAM = auto()  # engine_pb2.Histogram, of durations


@dataclass(frozen=True, slots=True)
class Metric:
    """A name with its unit (UCUM) and its points.

    `starts`: since when each point counts, nanoseconds since the epoch; empty, or 0, where it is the engine's start.
    """

    name: str
    unit: str
    kind: Kind
    points: list[tuple[Attributes, Value]]
    starts: list[int] = field(default_factory=list)

    def add(self, attributes: Attributes, value: Value, start: int) -> None:
        """One more point."""
        self.points.append((attributes, value))
        self.starts.append(start)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was counted, and what the agent knows beside it. `certificate_not_after`: seconds since the epoch, or 0."""

    telemetry: engine_pb2.Telemetry
    service: str
    certificate_not_after: int


def metrics(reading: Reading) -> list[Metric]:
    """Every metric that has a point."""
    telemetry = reading.telemetry
    table = [
        *_calls(telemetry.calls, reading.service),
        *_endpoints(telemetry.endpoints),
        *_services(telemetry.services),
        *_counters(telemetry),
        Metric(names.CONFIG_REVISION, "1", Kind.GAUGE, [({}, telemetry.snapshot_revision)]),
        Metric(names.CERT_EXPIRY, "s", Kind.GAUGE, _certificate(reading)),
    ]
    return [metric for metric in table if metric.points]


def status_name(code: int) -> str:
    """ "OK", "UNAVAILABLE", …; a number that gRPC does not know is UNKNOWN to its clients."""
    return _STATUS_NAMES.get(code, grpc.StatusCode.UNKNOWN.name)


def workload(spiffe_id: str) -> str:
    """ "namespace/name" of a workload's SPIFFE id, "external" for whatever else called."""
    path = spiffe_id.removeprefix(_SPIFFE).partition("/")[2]
    return path if spiffe_id.startswith(_SPIFFE) and path.count("/") == 1 else EXTERNAL


def call_attributes(series: engine_pb2.CallSeries, service: str) -> Attributes:
    """Of a call's metrics; `service` is this sidecar's own."""
    outbound = series.direction == engine_pb2.DIRECTION_OUTBOUND
    attributes: dict[str, str | bool] = {
        names.RPC_METHOD: series.method,
        names.RPC_STATUS: status_name(series.grpc_status),
        names.SOURCE: service if outbound else workload(series.peer),
        names.TARGET: series.peer if outbound else service,
        names.MTLS: series.mtls,
    }
    if outbound:
        attributes[names.CLUSTER] = series.cluster
    if series.reason:
        attributes[names.REASON] = series.reason
    return attributes


def _calls(series: Iterable[engine_pb2.CallSeries], service: str) -> list[Metric]:
    client = Metric(names.CLIENT_CALL_DURATION, "s", Kind.HISTOGRAM, [])
    server = Metric(names.SERVER_CALL_DURATION, "s", Kind.HISTOGRAM, [])
    request = Metric(names.REQUEST_BYTES, "By", Kind.SUM, [])
    response = Metric(names.RESPONSE_BYTES, "By", Kind.SUM, [])
    retries = Metric(names.RETRIES, "{attempt}", Kind.SUM, [])
    unbounded = Metric(names.WITHOUT_DEADLINE, "{call}", Kind.SUM, [])
    for one in _merged(series, service):
        attributes = call_attributes(one, service)
        outbound = one.direction == engine_pb2.DIRECTION_OUTBOUND
        since = one.start_unix_nano
        (client if outbound else server).add(attributes, one.duration, since)
        request.add(attributes, one.request_bytes, since)
        response.add(attributes, one.response_bytes, since)
        if outbound:
            retries.add(attributes, one.retries, since)
        if outbound and one.without_deadline:
            unbounded.add(attributes, one.without_deadline, since)
    return [client, server, request, response, retries, unbounded]


def _merged(series: Iterable[engine_pb2.CallSeries], service: str) -> Iterable[engine_pb2.CallSeries]:
    # Callers that are no workloads are all "external": one attribute set must be one point.
    merged: dict[frozenset[tuple[str, str | bool]], engine_pb2.CallSeries] = {}
    for one in series:
        key = frozenset(call_attributes(one, service).items())
        merged[key] = _added(merged[key], one) if key in merged else one
    return merged.values()


def _added(first: engine_pb2.CallSeries, second: engine_pb2.CallSeries) -> engine_pb2.CallSeries:
    total = engine_pb2.CallSeries()
    total.CopyFrom(first)
    for name in ("count", "request_bytes", "response_bytes", "retries", "without_deadline"):
        setattr(total, name, getattr(first, name) + getattr(second, name))
    total.start_unix_nano = max(first.start_unix_nano, second.start_unix_nano)
    counts = dict(zip(first.duration.index, first.duration.count, strict=True))
    for index, count in zip(second.duration.index, second.duration.count, strict=True):
        counts[index] = counts.get(index, 0) + count
    total.duration.CopyFrom(
        engine_pb2.Histogram(
            scale=first.duration.scale,
            index=sorted(counts),
            count=[counts[index] for index in sorted(counts)],
            sum_us=first.duration.sum_us + second.duration.sum_us,
            max_us=max(first.duration.max_us, second.duration.max_us),
        )
    )
    return total


def _endpoints(series: Iterable[engine_pb2.EndpointSeries]) -> list[Metric]:
    table = [
        Metric(names.ENDPOINT_STATE, "1", Kind.GAUGE, []),
        Metric(names.ENDPOINT_EJECTIONS, "{ejection}", Kind.SUM, []),
        Metric(names.ENDPOINT_CONSECUTIVE_FAILURES, "{call}", Kind.GAUGE, []),
        Metric(names.ENDPOINT_IN_FLIGHT, "{call}", Kind.GAUGE, []),
        Metric(names.ENDPOINT_CONNECTIONS, "{connection}", Kind.GAUGE, []),
        Metric(names.ENDPOINT_EWMA, "s", Kind.GAUGE, []),
        Metric(names.ENDPOINT_OPEN_REMAINING, "s", Kind.GAUGE, []),
    ]
    for one in series:
        remaining = one.open_remaining.seconds + one.open_remaining.nanos / 1e9
        values = (one.state, one.ejections, one.consecutive_failures, one.in_flight, one.connections)
        attributes = {names.TARGET: one.service, names.CLUSTER: one.cluster, names.ENDPOINT: one.endpoint}
        for metric, value in zip(table, (*values, one.ewma_us / 1e6, remaining), strict=True):
            metric.points.append((attributes, value))
    return table


def _services(series: Iterable[engine_pb2.ServiceSeries]) -> list[Metric]:
    table = [
        Metric(names.SERVICE_STATE, "1", Kind.GAUGE, []),
        Metric(names.SERVICE_CONNECTIONS, "{connection}", Kind.GAUGE, []),
        Metric(names.SERVICE_PENDING, "{call}", Kind.GAUGE, []),
        Metric(names.SERVICE_REQUESTS, "{call}", Kind.GAUGE, []),
    ]
    refused = Metric(names.SERVICE_REFUSED, "{call}", Kind.SUM, [])
    for one in series:
        values = (one.state, one.connections, one.pending, one.requests)
        for metric, value in zip(table, values, strict=True):
            metric.points.append(({names.TARGET: one.service}, value))
        for limit in ("connections", "pending", "requests", "retries"):
            attributes = {names.TARGET: one.service, names.LIMIT: limit}
            refused.points.append((attributes, getattr(one.refused, limit)))
    return [*table, refused]


def _counters(telemetry: engine_pb2.Telemetry) -> list[Metric]:
    table: dict[str, Metric] = {
        # There from the start, at 0: what must stay 0 has to be seen to be 0.
        names.BROKEN_BY_MESH: Metric(names.BROKEN_BY_MESH, "{call}", Kind.SUM, []),
        names.DROPPED_SPANS: Metric(names.DROPPED_SPANS, "{span}", Kind.SUM, [({}, telemetry.dropped_spans)]),
        names.DROPPED_SERIES: Metric(names.DROPPED_SERIES, "{series}", Kind.SUM, [({}, telemetry.dropped_series)]),
    }
    for counter in telemetry.counters:
        metric = table.setdefault(counter.name, Metric(counter.name, "1", Kind.SUM, []))
        label = names.ENGINE_COUNTERS.get(counter.name, "")
        metric.points.append(({label: counter.label} if label else {}, counter.value))
    if not table[names.BROKEN_BY_MESH].points:
        table[names.BROKEN_BY_MESH].points.append(({}, 0))
    return list(table.values())


def _certificate(reading: Reading) -> list[tuple[Attributes, Value]]:
    return [({}, reading.certificate_not_after)] if reading.certificate_not_after else []
