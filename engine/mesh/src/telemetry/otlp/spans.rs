//! What the engine's spans mean: CLIENT for outbound calls and attempts, else SERVER.

use super::messages::{KeyValue, Span, SpanKind, Status, StatusCode};
use super::names::{self, int, text};
use crate::proto::{Direction, Span as Finished};
use crate::status::{Code, CodeSet};

/// SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK: it is known that the parent is local.
const LOCAL_PARENT: u32 = 0x100;
/// OpenTelemetry's RPC conventions: for a server, the statuses that are its own fault.
const SERVER_ERRORS: [Code; 6] =
    [Code::Unknown, Code::DeadlineExceeded, Code::Unimplemented, Code::Internal, Code::Unavailable, Code::DataLoss];

/// `span` as OTLP has it; `service` is this sidecar's own.
pub(super) fn span(span: Finished, service: &str) -> Span {
    let attributes = attributes(&span, service);
    let status = Some(status(&span));
    let kind = if outbound(&span) { SpanKind::Client } else { SpanKind::Server };
    Span {
        trace_id: span.trace_id,
        span_id: span.span_id,
        trace_state: span.trace_state,
        parent_span_id: span.parent_span_id,
        name: span.method,
        kind: kind.into(),
        start_time_unix_nano: span.start_unix_nano,
        end_time_unix_nano: span.end_unix_nano,
        attributes,
        status,
        flags: LOCAL_PARENT,
    }
}

fn outbound(span: &Finished) -> bool {
    span.direction == i32::from(Direction::Outbound)
}

fn attributes(span: &Finished, service: &str) -> Vec<KeyValue> {
    let (source, target) = match outbound(span) {
        true => (service, span.peer.as_str()),
        false => (names::workload(&span.peer), service),
    };
    let mut attributes = vec![
        text(names::RPC_SYSTEM, "grpc"),
        text(names::RPC_METHOD, &span.method),
        text(names::RPC_STATUS, names::status_name(span.grpc_status)),
        text(names::SOURCE, source),
        text(names::TARGET, target),
    ];
    let optional = [(names::ENDPOINT, &span.endpoint), (names::ROUTE, &span.route), (names::REASON, &span.reason)];
    attributes.extend(optional.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| text(key, value)));
    if span.attempt {
        attributes.push(int(names::ATTEMPT, span.attempt_number.into()));
    }
    attributes
}

fn status(span: &Finished) -> Status {
    if !failed(span) {
        return Status::default();
    }
    let cause = if span.reason.is_empty() { names::status_name(span.grpc_status) } else { &span.reason };
    Status { message: cause.into(), code: StatusCode::Error.into() }
}

fn failed(span: &Finished) -> bool {
    if outbound(span) {
        return span.grpc_status != 0;
    }
    Code::from_number(span.grpc_status).is_some_and(|code| CodeSet::of(&SERVER_ERRORS).contains(code))
}
