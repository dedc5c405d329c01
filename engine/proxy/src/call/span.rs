//! A call's span and its attempts', as the contract has them.

use super::{Attempt, Call, Policy};
use crate::worker::clock::Clock;
use std::time::Instant;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto::{Direction, Span};

impl Call {
    /// The call's own span: CLIENT on the outbound side, SERVER on the inbound.
    pub(crate) fn span(&self, outcome: &Outcome, clock: &Clock, now: Instant) -> Span {
        let parent = self.trace.parent.map(|id| id.to_vec()).unwrap_or_default();
        let endpoint = self.attempt.as_ref().map(endpoint).unwrap_or_default();
        Span {
            span_id: self.trace.context.span_id.to_vec(),
            parent_span_id: parent,
            endpoint,
            attempt_number: self.plan.attempts(),
            ..self.base(outcome, clock, (self.started, now))
        }
    }

    /// Whether each attempt is a span. The inbound side has one, to its own application, which the call's span is.
    pub(crate) fn tells_attempts(&self) -> bool {
        self.trace.context.sampled && matches!(self.policy, Policy::Outbound(_))
    }

    /// One attempt's span, a child of the call's.
    pub(crate) fn attempt_span(&self, attempt: &Attempt, outcome: &Outcome, clock: &Clock, now: Instant) -> Span {
        Span {
            span_id: attempt.span_id.to_vec(),
            parent_span_id: self.trace.context.span_id.to_vec(),
            attempt: true,
            endpoint: endpoint(attempt),
            attempt_number: self.plan.attempts(),
            ..self.base(outcome, clock, (attempt.started, now))
        }
    }

    fn base(&self, outcome: &Outcome, clock: &Clock, (start, end): (Instant, Instant)) -> Span {
        let (direction, route) = match &self.policy {
            Policy::Outbound(outbound) => (Direction::Outbound, String::from(&*outbound.route.name)),
            Policy::Inbound(_) => (Direction::Inbound, String::new()),
        };
        let state = self.head.get(b"tracestate").unwrap_or_default();
        Span {
            trace_id: self.trace.context.trace_id.to_vec(),
            direction: direction.into(),
            start_unix_nano: clock.unix_nano(start),
            end_unix_nano: clock.unix_nano(end),
            method: self.policy.method_name().to_owned(),
            peer: self.policy.peer().to_owned(),
            route,
            grpc_status: outcome.code.number(),
            reason: outcome.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
            trace_state: String::from_utf8_lossy(state).into_owned(),
            ..Span::default()
        }
    }
}

fn endpoint(attempt: &Attempt) -> String {
    attempt.target.cell().map(|cell| String::from(&*cell.id)).unwrap_or_default()
}
