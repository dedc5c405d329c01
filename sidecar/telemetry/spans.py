"""The engine's spans as the OpenTelemetry SDK's."""

from collections.abc import Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from protos.tulle.v1 import engine_pb2
from sidecar.telemetry.span_facts import failure, is_outbound, span_attributes


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
        attributes=span_attributes(span, service),
        kind=SpanKind.CLIENT if is_outbound(span) else SpanKind.SERVER,
        status=_status(span),
        start_time=span.start_unix_nano,
        end_time=span.end_unix_nano,
        instrumentation_scope=scope,
    )


def _context(span: engine_pb2.Span, span_id: bytes) -> SpanContext:
    return SpanContext(
        trace_id=int.from_bytes(span.trace_id),
        span_id=int.from_bytes(span_id),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState.from_header([span.trace_state] if span.trace_state else []),
    )


def _status(span: engine_pb2.Span) -> Status:
    cause = failure(span)
    return Status() if cause is None else Status(StatusCode.ERROR, cause)
