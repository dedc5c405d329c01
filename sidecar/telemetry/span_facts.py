"""What the engine's spans mean, however they go out: CLIENT for outbound calls and attempts, else SERVER."""

from typing import Final

from protos import names
from protos.tulle.v1 import engine_pb2
from sidecar.telemetry.series import status_name, workload

# OpenTelemetry's RPC conventions: for a server, the statuses that are its own fault.
_SERVER_ERRORS: Final = frozenset({2, 4, 12, 13, 14, 15})


def is_outbound(span: engine_pb2.Span) -> bool:
    """Whether this side called."""
    return span.direction == engine_pb2.DIRECTION_OUTBOUND


def span_attributes(span: engine_pb2.Span, service: str) -> dict[str, str | int]:
    """By OpenTelemetry's names; `service` is this sidecar's own."""
    outbound = is_outbound(span)
    attributes: dict[str, str | int] = {
        names.RPC_SYSTEM: "grpc",
        names.RPC_METHOD: span.method,
        names.RPC_STATUS: status_name(span.grpc_status),
        names.SOURCE: service if outbound else workload(span.peer),
        names.TARGET: span.peer if outbound else service,
    }
    optional = {names.ENDPOINT: span.endpoint, names.ROUTE: span.route, names.REASON: span.reason}
    attributes.update({key: value for key, value in optional.items() if value})
    if span.attempt:
        attributes[names.ATTEMPT] = span.attempt_number
    return attributes


def failure(span: engine_pb2.Span) -> str | None:
    """Why the span counts as an error, None where it does not."""
    failed = span.grpc_status != 0 if is_outbound(span) else span.grpc_status in _SERVER_ERRORS
    return (span.reason or status_name(span.grpc_status)) if failed else None
