//! The caller's side of a call: its head makes the call, its data go up, its reset ends it.

use super::answer::PREVIOUS_ATTEMPTS;
use super::reply::{Head, Refusal};
use super::store::Buffers;
use super::{Call, Phase, Policy, Replay};
use super::{admit, route};
use crate::planted;
use crate::timers::TimerId;
use crate::worker::connection::Side;
use crate::worker::names::{Listener, StreamRef};
use crate::worker::{Timer, Worker};
use tulle_http2::{ErrorCode, StreamId, Token};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::reason::Reason;
use tulle_mesh::resilience::breaker::Limit;
use tulle_mesh::resilience::deadline::{Deadline, parse_timeout};
use tulle_mesh::resilience::retry::{RetryPlan, RetryPolicy, parse_previous};
use tulle_mesh::router::RoutePolicy;
use tulle_mesh::status::CodeSet;
use tulle_mesh::telemetry::trace_context::TraceContext;

impl Worker {
    /// A request's head is in `self.fields`.
    pub(crate) fn on_request(&mut self, connection: u32, stream: StreamId, end_stream: bool) {
        planted::panic_at("request", &self.fields);
        let down = StreamRef { connection, stream };
        let policy = match self.decide(connection) {
            Ok(policy) => policy,
            Err(refusal) => return self.refuse_request(down, None, &refusal, end_stream),
        };
        match take_place(&policy) {
            Ok(()) => self.begin_call(down, policy, end_stream),
            Err(refusal) => self.refuse_request(down, Some(&policy), &refusal, end_stream),
        }
    }

    fn decide(&mut self, connection: u32) -> Result<Policy, Refusal> {
        let Some(Side::Downstream { listener, authority, peer }) = self.connections.get(connection).map(|c| &c.side)
        else {
            self.impossible::<()>("decide");
            return Err(Refusal::local(Reason::NoRoute, "not a connection that makes calls"));
        };
        let snapshot = self.snapshot.as_deref();
        match listener {
            Listener::Outbound | Listener::UpstreamPort(_) => {
                route::decide(snapshot, &self.settings.service, authority.as_deref(), &self.fields, &mut self.random)
                    .map(Policy::Outbound)
            }
            Listener::Inbound | Listener::InboundPlaintext => {
                admit::decide(snapshot, peer.as_ref(), &self.anyone, &self.fields).map(Policy::Inbound)
            }
        }
    }

    fn begin_call(&mut self, down: StreamRef, policy: Policy, end_stream: bool) {
        let call = self.new_call(down, policy, end_stream);
        let expired = call.deadline.is_expired(self.now);
        let at = call.deadline.instant();
        let key = self.calls.insert(call);
        match self.connections.get_mut(down.connection) {
            Some(connection) => connection.http2.set_token(down.stream, Token(key)),
            None => self.impossible("begin_call"),
        }
        if expired {
            return self.deadline_passed(key);
        }
        if let Some(at) = at {
            let timer = self.timers.insert(at, Timer::Deadline(key));
            let Some(call) = self.calls.get_mut(key) else { return self.impossible("begin_call") };
            call.deadline_timer = timer;
        }
        self.start_attempt(key);
    }

    fn new_call(&mut self, down: StreamRef, policy: Policy, request_ended: bool) -> Call {
        let Buffers { mut head, held, tried } = self.calls.buffers();
        head.clone_from(&self.fields);
        let (mut caller, mut parent, mut previous) = (None, None, 0);
        for field in &head {
            match field.name {
                b"grpc-timeout" => caller = parse_timeout(field.value),
                PREVIOUS_ATTEMPTS => previous = parse_previous(field.value),
                b"traceparent" => parent = TraceContext::parse(field.value),
                _ => {}
            }
        }
        let (plan, deadline) = match &policy {
            Policy::Outbound(outbound) => {
                let rules = &outbound.route.policy;
                let method = &outbound.method;
                (RetryPlan::new(rules, method), Deadline::effective(self.now, caller, rules))
            }
            // The caller's sidecar has applied the caps and makes the retries by policy.
            Policy::Inbound(inbound) => {
                (RetryPlan::new(&only_safe(), &inbound.method), Deadline::after(self.now, caller))
            }
        };
        Call {
            policy,
            phase: Phase::Waiting,
            down,
            started: self.now,
            deadline,
            caller_has_deadline: caller.is_some(),
            plan: plan.after(previous),
            trace: self.sampler.begin(parent, &mut self.random),
            caller_traces: parent.is_some(),
            head,
            replay: Vec::new(),
            replayable: Replay::Kept,
            request_ended,
            request_trailers: None,
            unreleased: 0,
            reply: Head::Unsent,
            informational: 0,
            below: 0,
            held,
            attempt: None,
            tried,
            deadline_timer: TimerId::NONE,
            step_timer: TimerId::NONE,
            hold_timer: TimerId::NONE,
            request_bytes: 0,
            response_bytes: 0,
            outcome: Outcome::cancelled(),
        }
    }

    /// Part of the request. What the upstream's window does not take stays with its stream, and this one's window with it.
    pub(crate) fn on_request_data(&mut self, key: u32, payload: &[u8], end_stream: bool) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("on_request_data") };
        call.request_ended |= end_stream;
        call.request_bytes += payload.len() as u64;
        if call.phase == Phase::Flushing {
            return;
        }
        call.unreleased += payload.len();
        self.keep_for_replay(key, payload);
        let Some(call) = self.calls.get(key) else { return self.impossible("on_request_data") };
        if call.phase == Phase::Running
            && let Some(up) = call.up()
        {
            let sent = self.send_data(up, payload, end_stream);
            self.release_request(key, sent);
        }
    }

    /// Request trailers: gRPC has none, but they are passed on like the rest, behind data that waits or goes up again.
    pub(crate) fn on_request_trailers(&mut self, key: u32) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("on_request_trailers") };
        call.request_ended = true;
        if call.phase != Phase::Running || call.replayable == Replay::Kept {
            call.request_trailers = Some(Box::new(self.fields.clone()));
        }
        if call.phase == Phase::Running
            && let Some(up) = call.up()
        {
            self.send_fields(up, true);
        }
    }

    fn keep_for_replay(&mut self, key: u32, payload: &[u8]) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("keep_for_replay") };
        // Before an attempt runs there is no other place for the data; the stream's window bounds it.
        let needed = call.phase != Phase::Running;
        if call.replayable != Replay::Kept && !needed {
            return;
        }
        let limits = &self.settings.limits;
        let fits = call.replay.len() + payload.len() <= limits.retry_buffer_per_call
            && self.calls.kept_bytes() + payload.len() <= limits.retry_buffer_per_worker;
        if fits || needed {
            self.calls.keep_request(key, payload);
        } else {
            self.drop_replay(key, Replay::Overflowed);
        }
    }

    /// The request's data will not be needed again.
    pub(crate) fn drop_replay(&mut self, key: u32, why: Replay) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("drop_replay") };
        if call.replayable == Replay::Kept {
            call.replayable = why;
        }
        if call.replay.capacity() == 0 {
            return;
        }
        self.calls.forget_request(key);
    }

    /// Gives the caller window back for what has left on the other hop.
    pub(crate) fn release_request(&mut self, key: u32, bytes: usize) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("release_request") };
        let bytes = bytes.min(call.unreleased);
        call.unreleased -= bytes;
        let down = call.down;
        if bytes > 0 {
            self.release(down, bytes as u32);
        }
    }

    /// The caller reset its stream, or broke a rule of HTTP/2 on it.
    pub(crate) fn on_caller_gone(&mut self, key: u32) {
        let Some(call) = self.calls.get(key) else { return self.impossible("on_caller_gone") };
        // Callers keep the deadline themselves and are a little quicker than our timer: the cause is the same.
        let late = super::deadline::is_out_of_time(call, self.now);
        let outcome = if late { call.deadline.outcome() } else { Outcome::cancelled() };
        if call.phase != Phase::Flushing {
            self.end_attempt(key, &outcome);
            self.leave_place(key);
        }
        self.record_call(key, &outcome);
        self.remove_call(key);
    }

    /// Answers a request that never becomes a call.
    fn refuse_request(&mut self, down: StreamRef, policy: Option<&Policy>, refusal: &Refusal, end_stream: bool) {
        self.record_refused(down.connection, policy, refusal);
        self.tell_refused(down.connection, refusal);
        refusal.write(Head::Unsent, &mut self.scratch);
        self.send_made(down, true);
        if !end_stream {
            self.reset(down, ErrorCode::NO_ERROR);
        }
    }

    /// A head over a limit: that stream alone is answered.
    pub(crate) fn on_request_over_limit(
        &mut self,
        connection: u32,
        stream: StreamId,
        limit: tulle_http2::Exceeded,
        end_stream: bool,
    ) {
        self.refuse_request(StreamRef { connection, stream }, None, &Refusal::header_limit(limit), end_stream);
    }
}

impl Worker {
    /// The caller's trailers over a limit: its call ends, and is told whose they were.
    pub(crate) fn on_request_trailers_over_limit(&mut self, key: u32, limit: tulle_http2::Exceeded) {
        let message = format!("the request has trailers of {limit}");
        self.end_call_by_proxy(key, Outcome::local(Reason::HeaderLimit), &message);
    }
}

/// Counts the call among those in flight, where one more may be.
fn take_place(policy: &Policy) -> Result<(), Refusal> {
    policy.breaker().acquire(Limit::Requests).map_err(|reached| {
        let from = match policy {
            Policy::Outbound(_) => String::new(),
            Policy::Inbound(_) => format!("; this one is from {}", policy.peer()),
        };
        let message = format!(
            "{} calls are in flight to {}, as many as circuitBreaker.maxRequests lets{from}",
            reached.value,
            policy.callee()
        );
        Refusal::local(Reason::BreakerOpen, message)
    })
}

/// Retries that are always safe, and no others.
fn only_safe() -> RoutePolicy {
    let retry = RetryPolicy { attempts: 1, codes: CodeSet::default(), ..RetryPolicy::default() };
    RoutePolicy { request_timeout: None, per_try_timeout: None, retry, idempotent: false }
}
