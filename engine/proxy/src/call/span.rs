//! A call's span and its attempts', as the contract has them.

use super::{Attempt, Call, Policy};
use crate::worker::clock::Clock;
use std::time::Instant;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto::Direction;
use tulle_mesh::telemetry::{FinishedSpan, Words};

impl Call {
    /// The call's own span: CLIENT on the outbound side, SERVER on the inbound.
    pub(crate) fn span(&self, outcome: &Outcome, clock: &Clock, now: Instant) -> FinishedSpan {
        FinishedSpan {
            span_id: self.trace.context.span_id,
            parent_span_id: self.trace.parent,
            attempt: false,
            ..self.base(self.attempt.as_ref(), outcome, clock, (self.started, now))
        }
    }

    /// Whether each attempt is a span. The inbound side has one, to its own application, which the call's span is.
    pub(crate) fn tells_attempts(&self) -> bool {
        self.trace.context.sampled && matches!(self.policy, Policy::Outbound(_))
    }

    /// One attempt's span, a child of the call's.
    pub(crate) fn attempt_span(
        &self,
        attempt: &Attempt,
        outcome: &Outcome,
        clock: &Clock,
        now: Instant,
    ) -> FinishedSpan {
        FinishedSpan {
            span_id: attempt.span_id,
            parent_span_id: Some(self.trace.context.span_id),
            ..self.base(Some(attempt), outcome, clock, (attempt.started, now))
        }
    }

    fn base(
        &self,
        attempt: Option<&Attempt>,
        outcome: &Outcome,
        clock: &Clock,
        (start, end): (Instant, Instant),
    ) -> FinishedSpan {
        let (direction, route) = match &self.policy {
            Policy::Outbound(outbound) => (Direction::Outbound, &*outbound.route.name),
            Policy::Inbound(_) => (Direction::Inbound, ""),
        };
        let endpoint = attempt.and_then(|attempt| attempt.target.cell()).map_or("", |cell| &*cell.id);
        let state = String::from_utf8_lossy(self.head.get(b"tracestate").unwrap_or_default());
        FinishedSpan {
            trace_id: self.trace.context.trace_id,
            span_id: [0; 8],
            parent_span_id: None,
            direction,
            attempt: true,
            start_unix_nano: clock.unix_nano(start),
            end_unix_nano: clock.unix_nano(end),
            grpc_status: outcome.code.number(),
            reason: outcome.reason,
            attempt_number: self.plan.attempts(),
            words: Words::new([self.policy.method_name(), self.policy.peer(), endpoint, route, &state]),
        }
    }
}
