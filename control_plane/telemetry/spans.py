"""OTLP spans to our own, and what a trace is in one line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import grpc
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp

from control_plane.telemetry.points import attributes
from protos import names

MAX_ATTRIBUTES: Final = 64
LONGEST_VALUE: Final = 1024
LATEST_UNIX_NANO: Final = (1 << 63) - 1
"""In the year 2262. OTLP has room for more, `StoredSpan` and SQLite have not."""

_KINDS: Final = {
    otlp.Span.SPAN_KIND_SERVER: "SERVER",
    otlp.Span.SPAN_KIND_CLIENT: "CLIENT",
    otlp.Span.SPAN_KIND_PRODUCER: "PRODUCER",
    otlp.Span.SPAN_KIND_CONSUMER: "CONSUMER",
}
_CODES: Final = {code.name: int(code.value[0]) for code in grpc.StatusCode}
# OpenTelemetry's names of the status before and after v1.44, and the one of gRPC's older instrumentations.
_STATUS_ATTRIBUTES: Final = (names.RPC_STATUS, "rpc.status_code", "rpc.grpc.status_code")


class Span(NamedTuple):
    """One span. Ids are hex; times are Unix nanoseconds; `grpc_status` is 0 where there is none.

    A tuple, since there are many: it is made at a quarter of a frozen dataclass's cost, and is packed as it stands.
    """

    service: str
    span_id: str
    parent_span_id: str
    name: str
    kind: str
    start: int
    end: int
    grpc_status: int
    error: bool
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Summary:
    """A trace in one line."""

    trace_id: str
    start_unix_ms: int
    duration_ms: float
    root_service: str
    root_method: str
    spans: int
    error: bool


def read_spans(service: str, scopes: Iterable[otlp.ScopeSpans]) -> Iterator[tuple[str, Span]]:
    """Trace id and span; those without valid ids or times are left out."""
    for scope in scopes:
        for span in scope.spans:
            if _has_sound_ids(span) and max(span.start_time_unix_nano, span.end_time_unix_nano) <= LATEST_UNIX_NANO:
                yield span.trace_id.hex(), _span(service, span)


def summarise(trace_id: str, spans: Sequence[Span]) -> Summary:
    """The trace of these spans, at least one. The root is the earliest without a parent here."""
    known = {span.span_id for span in spans}
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    root = min(
        (span for span in spans if span.parent_span_id not in known), key=lambda one: one.start, default=spans[0]
    )
    return Summary(
        trace_id=trace_id,
        start_unix_ms=start // 1_000_000,
        duration_ms=max(0, end - start) / 1e6,
        root_service=root.service,
        root_method=method_of(root),
        spans=len(spans),
        error=any(span.error for span in spans),
    )


def method_of(span: Span) -> str:
    """ "package.Service/Method", or the span's name."""
    return span.attributes.get(names.RPC_METHOD, span.name)


def _has_sound_ids(span: otlp.Span) -> bool:
    """W3C trace context: 16 and 8 bytes, not all zero."""
    return len(span.trace_id) == 16 and len(span.span_id) == 8 and any(span.trace_id) and any(span.span_id)


def _span(service: str, span: otlp.Span) -> Span:
    found = attributes(span.attributes[:MAX_ATTRIBUTES])
    status = _status(found)
    return Span(
        service=service,
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        name=span.name[:LONGEST_VALUE],
        kind=_KINDS.get(span.kind, "INTERNAL"),
        start=span.start_time_unix_nano,
        end=max(span.end_time_unix_nano, span.start_time_unix_nano),
        grpc_status=status,
        error=status != 0 or span.status.code == otlp.Status.STATUS_CODE_ERROR,
        attributes={key: str(value)[:LONGEST_VALUE] for key, value in found.items()},
    )


def _status(found: Mapping[str, object]) -> int:
    for name in _STATUS_ATTRIBUTES:
        if name in found:
            return _code(str(found[name]))
    return 0


def _code(text: str) -> int:
    return int(text) if text.isdigit() and len(text) <= 2 else _CODES.get(text.upper(), 0)
