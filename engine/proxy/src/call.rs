//! The path of a call, from the caller's head to the last byte of its reply. This folder is all of it.
//!
//! [`events`] turns bytes into events and each event into one call of a function:
//! - request head: [`request`]`::on_request`, decided by [`route`] (outbound) or [`admit`] (inbound); the call begins
//!   its first try in [`attempt`]`::start_attempt`: an endpoint, a connection or a place in the queue, the head written
//! - request data and trailers: `request::on_request_data`, `on_request_trailers`; sent up, kept for another try
//! - response head, data, trailers: [`response`]`::on_response` (held until it commits the call), `on_response_data`,
//!   `on_response_trailers`
//! - reset or refused upstream: `response::on_upstream_reset`, `on_upstream_refused`; caller gone: `request::on_caller_gone`
//! - an answer that breaks a rule or a limit: [`faulty`]
//! - time: [`deadline`]`::deadline_passed`, `step_passed`
//!
//! All ends meet in [`ending`]: an attempt's one [`Outcome`] goes to retry, accrual, balance and span alike; the call's goes
//! to the caller (in the words of [`reply`], where the proxy itself speaks), the counters and the span.
//!
//! Bytes are never copied further than into the output of the other connection; its flow control holds back this one's.

pub(crate) mod admit;
pub(crate) mod answer;
pub(crate) mod attempt;
pub(crate) mod deadline;
pub(crate) mod ending;
mod events;
mod faulty;
pub(crate) mod refused;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod route;
pub(crate) mod span;
pub(crate) mod store;

use self::admit::Admitted;
use self::reply::Head;
use self::route::Routed;
use crate::pool::Target;
use crate::timers::TimerId;
use crate::worker::names::StreamRef;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tulle_http2::Fields;
use tulle_mesh::balance::EndpointKey;
use tulle_mesh::method::{MethodInfo, MethodLabel};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::resilience::accrual::Ticket;
use tulle_mesh::resilience::below::Mark;
use tulle_mesh::resilience::breaker::ServiceBreaker;
use tulle_mesh::resilience::deadline::Deadline;
use tulle_mesh::resilience::retry::RetryPlan;
use tulle_mesh::telemetry::trace_context::CallTrace;

/// Which way a call goes, and by what policy: fixed when it arrives, whatever is applied later.
#[derive(Clone, Debug)]
pub(crate) enum Policy {
    Outbound(Routed),
    Inbound(Admitted),
}

/// Where a call stands. `Waiting => Running => (Backoff => Waiting | Flushing)`; any phase may end the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// In a pool's queue, or about to be.
    Waiting,
    /// On an upstream stream.
    Running,
    /// Between two attempts.
    Backoff,
    /// All is said; the caller still has to take it.
    Flushing,
}

/// A call in flight.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) policy: Policy,
    pub(crate) phase: Phase,
    pub(crate) down: StreamRef,
    pub(crate) started: Instant,
    pub(crate) deadline: Deadline,
    pub(crate) caller_has_deadline: bool,
    pub(crate) plan: RetryPlan,
    pub(crate) trace: CallTrace,
    pub(crate) caller_traces: bool,
    /// The request's head as it came.
    pub(crate) head: Fields,
    /// All of the request's data while it may be needed again; once it is not, nothing.
    pub(crate) replay: Vec<u8>,
    pub(crate) replayable: Replay,
    /// The caller has ended its side.
    pub(crate) request_ended: bool,
    /// What the caller ended with, while it may be needed again. Boxed: next to no call has any.
    pub(crate) request_trailers: Option<Box<Fields>>,
    /// Request bytes whose window the caller has not got back yet.
    pub(crate) unreleased: usize,
    /// The reply's head: what of it has gone to the caller.
    pub(crate) reply: Head,
    /// 1xx heads that the upstream has sent.
    pub(crate) informational: u32,
    /// Retries that were made further down, as the last answer says.
    pub(crate) below: u32,
    /// A response head that is held back, so that the call can still be tried again.
    pub(crate) held: Fields,
    pub(crate) attempt: Option<Attempt>,
    pub(crate) tried: Vec<EndpointKey>,
    pub(crate) deadline_timer: TimerId,
    /// Of the phase: the queue's patience, the attempt's time, the backoff.
    pub(crate) step_timer: TimerId,
    /// Bounds how long a response head is held back where the method's kind is not known.
    pub(crate) hold_timer: TimerId,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    /// What the call comes to if its caller takes all of the reply.
    pub(crate) outcome: Outcome,
}

/// Whether the request's data is kept for another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    Kept,
    /// The call committed: nothing is kept any more.
    Committed,
    /// It outgrew its buffer.
    Overflowed,
}

/// One try at an endpoint.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) target: Target,
    /// What its endpoint was picked as.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) pool: usize,
    pub(crate) stream: Option<StreamRef>,
    pub(crate) started: Instant,
    pub(crate) answered: Option<Instant>,
    pub(crate) span_id: [u8; 8],
    /// When its stream was opened.
    pub(crate) launched: Instant,
    /// Where the head ends among all that the connection writes: before that nobody has seen it.
    pub(crate) head_starts: u64,
    /// The response's HTTP status, for a reply without `grpc-status`.
    pub(crate) http_status: u16,
    /// Response bytes whose window the upstream has not got back yet.
    pub(crate) unreleased: usize,
}

/// What a finished attempt says besides its outcome.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) outcome: Outcome,
    /// In words, for the caller; empty where the upstream's own trailers are passed on.
    pub(crate) message: String,
}

// === impl Policy ===

impl Policy {
    pub(crate) fn breaker(&self) -> &Arc<ServiceBreaker> {
        match self {
            Self::Outbound(outbound) => &outbound.service.breaker,
            Self::Inbound(inbound) => &inbound.policy.breaker,
        }
    }

    pub(crate) fn method(&self) -> MethodInfo {
        match self {
            Self::Outbound(outbound) => outbound.method,
            Self::Inbound(inbound) => inbound.method,
        }
    }

    pub(crate) fn label(&self) -> MethodLabel {
        self.method().label
    }

    /// Finds the label of a method that was not known when the call began.
    pub(crate) fn learn(&mut self, path: &[u8], outcome: &Outcome) {
        match self {
            Self::Outbound(Routed { method, service, .. }) if method.label == MethodLabel::OTHER => {
                method.label = service.learn(path, outcome);
            }
            Self::Inbound(Admitted { method, policy, .. }) if method.label == MethodLabel::OTHER => {
                method.label = policy.learn(path, outcome);
            }
            Self::Outbound(_) | Self::Inbound(_) => {}
        }
    }

    pub(crate) fn method_name(&self) -> &str {
        match self {
            Self::Outbound(outbound) => outbound.service.method_name(outbound.method.label),
            Self::Inbound(inbound) => inbound.policy.method_name(inbound.method.label),
        }
    }

    /// The attempt's own time where the server is told of it: a stream that has begun goes on beyond it.
    pub(crate) fn told_per_try(&self) -> Option<Duration> {
        match self {
            Self::Outbound(Routed { route, method, .. }) if method.unary == Some(true) => route.policy.per_try_timeout,
            Self::Outbound(_) | Self::Inbound(_) => None,
        }
    }

    /// Whom attempts go to, in words.
    pub(crate) fn callee(&self) -> &str {
        match self {
            Self::Outbound(outbound) => &outbound.service.name,
            Self::Inbound(_) => "the application",
        }
    }

    /// Whom the call is with: the target service, or the caller's identity.
    pub(crate) fn peer(&self) -> &str {
        match self {
            Self::Outbound(outbound) => &outbound.service.name,
            Self::Inbound(inbound) => inbound.peer.as_ref().map_or("external", |peer| peer.as_str()),
        }
    }
}

// === impl Call ===

impl Call {
    pub(crate) fn is_outbound(&self) -> bool {
        matches!(self.policy, Policy::Outbound(_))
    }

    /// By what it is known to belong to another call of the application: its trace, where one was handed over.
    pub(crate) fn mark(&self, outcome: &Outcome) -> Mark {
        let told = self.caller_traces || (!self.is_outbound() && self.trace.context.sampled);
        Mark { trace_id: told.then_some(self.trace.context.trace_id), code: outcome.code }
    }

    /// The upstream stream, if there is one now.
    pub(crate) fn up(&self) -> Option<StreamRef> {
        self.attempt.as_ref().and_then(|attempt| attempt.stream)
    }
}

impl Failure {
    pub(crate) fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, message: message.into() }
    }
}
