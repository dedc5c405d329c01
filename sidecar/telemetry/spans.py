"""The engine's spans as OpenTelemetry's: CLIENT for outbound calls and their attempts, SERVER for inbound ones."""

from collections.abc import Sequence
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from protos import names
from protos.tulle.v1 import engine_pb2
from sidecar.telemetry.series import status_name, workload

# OpenTelemetry's RPC conventions: for a server, the statuses that are its own fault.
_SERVER_ERRORS: Final = frozenset({2, 4, 12, 13, 14, 15})


def readable(
    spans: Sequence[engine_pb2.Span], service: str, resource: Resource, scope: InstrumentationScope
) -> list[ReadableSpan]:
    """As the SDK's exporters take them; `service` is this sidecar's own."""
    return [_readable(span, service, resource, scope) for span in spans]


def _readable(span: engine_pb2.Span, service: str, resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    return ReadableSpan(
        name=span.method,
        context=_context(span, span.span_id),
        parent=_context(span, span.parent_span_id) if span.parent_span_id else None,
        resource=resource,
        attributes=_attributes(span, service),
        kind=SpanKind.CLIENT if _is_outbound(span) else SpanKind.SERVER,
        status=_status(span),
        start_time=span.start_unix_nano,
        end_time=span.end_unix_nano,
        instrumentation_scope=scope,
    )


def _is_outbound(span: engine_pb2.Span) -> bool:
    return span.direction == engine_pb2.DIRECTION_OUTBOUND


def _context(span: engine_pb2.Span, span_id: bytes) -> SpanContext:
    return SpanContext(
        trace_id=int.from_bytes(span.trace_id),
        span_id=int.from_bytes(span_id),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState.from_header([span.trace_state] if span.trace_state else []),
    )


def _attributes(span: engine_pb2.Span, service: str) -> dict[str, str | int]:
    outbound = _is_outbound(span)
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


def _status(span: engine_pb2.Span) -> Status:
    failed = span.grpc_status != 0 if _is_outbound(span) else span.grpc_status in _SERVER_ERRORS
    return Status(StatusCode.ERROR, span.reason or status_name(span.grpc_status)) if failed else Status()
