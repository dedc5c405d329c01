//! One try: an endpoint is picked, a connection found or waited for, the head written.

use super::answer::PREVIOUS_ATTEMPTS;
use super::reply::Refusal;
use super::{Attempt, Call, Failure, Phase, Policy};
use crate::planted;
use crate::pool::{self, Choice, Target};
use crate::worker::names::StreamRef;
use crate::worker::{Timer, Worker};
use tulle_http2::{Fields, OpenError, Token};
use tulle_mesh::balance::{Cluster, NoEndpoint};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::random::Random;
use tulle_mesh::reason::Reason;
use tulle_mesh::resilience::accrual::Ticket;
use tulle_mesh::resilience::breaker::Limit;
use tulle_mesh::resilience::deadline::format_timeout;
use tulle_mesh::telemetry::trace_context::TraceContext;

/// Connect timeout of the application's loopback; endpoints have their cluster's.
const APPLICATION_CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

impl Worker {
    /// Picks a target and starts the call on it, at once or when a connection has room.
    pub(crate) fn start_attempt(&mut self, key: u32) {
        let (target, ticket) = match self.pick(key) {
            Ok(picked) => picked,
            Err(refusal) => return self.end_call_by_proxy(key, refusal.outcome, &refusal.message),
        };
        if let Some(cell) = target.cell() {
            cell.begin(self.now);
        }
        let span_id = self.random.next_u64().max(1).to_be_bytes();
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("start_attempt") };
        // A restart may meet another call under the same key, in its backoff.
        self.timers.cancel(&mut call.step_timer);
        let connect_timeout = match &call.policy {
            Policy::Outbound(outbound) => outbound.cluster.connect_timeout(),
            Policy::Inbound(_) => APPLICATION_CONNECT_TIMEOUT,
        };
        let down = call.down.connection;
        let pool = self.pool_for(down, &target, connect_timeout);
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("start_attempt") };
        call.tried.extend(target.key());
        call.phase = Phase::Waiting;
        call.below = 0;
        call.attempt = Some(Attempt {
            target,
            ticket,
            pool,
            stream: None,
            started: self.now,
            answered: None,
            span_id,
            launched: self.now,
            head_starts: 0,
            http_status: 0,
            unreleased: 0,
        });
        self.find_connection(key, pool);
    }

    fn pick(&mut self, key: u32) -> Result<(Target, Option<Ticket>), Refusal> {
        let Some(call) = self.calls.get(key) else {
            self.impossible::<()>("pick");
            return Err(Refusal::local(Reason::NoRoute, "the call is gone"));
        };
        match &call.policy {
            Policy::Outbound(outbound) => {
                let picked = outbound.cluster.take(&call.tried, self.now, &mut self.random);
                let picked = picked.map_err(|none| no_endpoint(none, &outbound.cluster))?;
                Ok((Target::Endpoint(picked.cell), Some(picked.ticket)))
            }
            Policy::Inbound(_) => {
                let application = self.settings.application.as_ref();
                let address = application.map(|application| application.address()).ok_or_else(|| {
                    Refusal::local(Reason::NoEndpoints, "no application is configured behind this sidecar")
                })?;
                Ok((Target::Application(address), None))
            }
        }
    }

    /// Takes a stream of the pool, or a place in its queue.
    fn find_connection(&mut self, key: u32, pool: usize) {
        let Some(choice) = self.choose(pool) else { return self.impossible("find_connection") };
        let grown = if choice.grow { self.connect(key, pool) } else { Ok(()) };
        if let Some(connection) = choice.connection {
            return self.launch(key, connection);
        }
        let may_wait = self.pools.get(pool).is_some_and(|pool| !pool.is_own && !pool.connections.is_empty());
        match grown {
            Ok(()) => self.wait_for_connection(key, pool),
            // As many connections as may be: a stream of those that there are becomes free.
            Err(_) if may_wait => self.wait_for_connection(key, pool),
            Err(refusal) => self.share_or_refuse(key, pool, &refusal),
        }
    }

    /// No more connections may be made. An operator's limit does not make a caller's cancels cost its calls: it shares with
    /// the others then, rather than wait for what may never come.
    fn share_or_refuse(&mut self, key: u32, pool: usize, refusal: &Refusal) {
        let own = self.pools.get(pool).filter(|pool| pool.is_own);
        let Some((target, timeout)) = own.map(|pool| (pool.target.clone(), pool.connect_timeout)) else {
            return self.end_call_by_proxy(key, refusal.outcome, &refusal.message);
        };
        let shared = self.pools.of(&target, timeout, self.now);
        match self.calls.get_mut(key).and_then(|call| call.attempt.as_mut()) {
            Some(attempt) => attempt.pool = shared,
            None => return self.impossible("share_or_refuse"),
        }
        self.find_connection(key, shared);
    }

    fn choose(&self, pool: usize) -> Option<Choice> {
        self.pools.get(pool).map(|pool| pool.choose(self.connections.rooms(pool), self.now))
    }

    fn wait_for_connection(&mut self, key: u32, index: usize) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("wait_for_connection") };
        let Some(pool) = self.pools.get_mut(index) else { return self.impossible("wait_for_connection") };
        if let Err(reached) = call.policy.breaker().acquire(Limit::Pending) {
            let message = format!(
                "{} calls wait for {}, as many as circuitBreaker.maxPending lets",
                reached.value,
                call.policy.callee()
            );
            return self.end_call_by_proxy(key, Outcome::local(Reason::QueueFull), &message);
        }
        pool.pending.push_back(key);
        call.phase = Phase::Waiting;
        call.step_timer = self.timers.insert(self.now + pool::PENDING_TIMEOUT, Timer::Step(key));
    }

    /// Leaves the queue; true where the call was in it.
    pub(crate) fn leave_queue(&mut self, key: u32) -> bool {
        let Some(call) = self.calls.get_mut(key).filter(|call| call.phase == Phase::Waiting) else { return false };
        let Some(index) = call.attempt.as_ref().map(|attempt| attempt.pool) else { return false };
        let Some(pool) = self.pools.get_mut(index) else { return self.impossible("leave_queue") };
        if !pool.forget_call(key) {
            return false;
        }
        call.policy.breaker().release(Limit::Pending);
        self.timers.cancel(&mut call.step_timer);
        true
    }

    /// Gives waiting calls what the pool has free now.
    pub(crate) fn serve_queue(&mut self, index: usize) {
        loop {
            let Some(pool) = self.pools.get(index) else { return };
            let Some(key) = pool.pending.front().copied() else { return self.close_if_retired(index) };
            let Choice { connection, grow } = pool.choose(self.connections.rooms(pool), self.now);
            if grow && self.connect(key, index).is_err() && connection.is_none() {
                return;
            }
            let Some(connection) = connection else { return };
            self.at_hand = self.caller_of(key);
            if self.leave_queue(key) {
                self.launch(key, connection);
            } else if let Some(pool) = self.pools.get_mut(index) {
                // It is no call that waits here. Whoever left it in the queue, the others are not to wait behind it.
                pool.forget_call(key);
                self.impossible::<()>("serve_queue");
            }
        }
    }

    /// Nobody waits any more for what was made for a pool that goes.
    fn close_if_retired(&mut self, index: usize) {
        let Some(pool) = self.pools.get(index).filter(|pool| pool.retired) else { return };
        for key in pool.connections.clone() {
            self.close_if_idle(key);
        }
    }

    /// The queue's patience is over.
    pub(crate) fn waited_too_long(&mut self, key: u32) {
        self.leave_queue(key);
        let Some(attempt) = self.calls.get(key).and_then(|call| call.attempt.as_ref()) else {
            return self.impossible("waited_too_long");
        };
        let address = attempt.target.address();
        let connected = self
            .pools
            .get(attempt.pool)
            .is_some_and(|pool| self.connections.rooms(pool).any(|(_, room)| room.is_open()));
        let failure = if connected {
            let message = format!("no stream to {address} became free within 3 s");
            Failure::new(Outcome::local(Reason::QueueFull), message)
        } else {
            Failure::new(Outcome::connect_failed(), format!("no connection to {address} within 3 s"))
        };
        self.attempt_failed(key, failure);
    }

    /// Opens a stream and writes the head and what there is of the request.
    fn launch(&mut self, key: u32, connection_key: u32) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("launch") };
        let Some(connection) = self.connections.get_mut(connection_key) else { return self.impossible("launch") };
        planted::panic_at("launch", &call.head);
        write_head(call, self.now, &mut self.scratch);
        let end_stream = call.request_ended && call.replay.is_empty() && call.request_trailers.is_none();
        let head_starts = connection.output_end();
        let idle = connection.http2.active_streams() == 0;
        let stream = match connection.http2.open(Token(key), &self.scratch, end_stream) {
            Ok(stream) => stream,
            Err(error) => return self.not_opened(key, connection_key, error),
        };
        call.phase = Phase::Running;
        let request_ended = call.request_ended;
        if let Some(attempt) = &mut call.attempt {
            attempt.stream = Some(StreamRef { connection: connection_key, stream });
            attempt.head_starts = head_starts;
            attempt.launched = self.now;
        }
        if idle {
            self.became_busy(connection_key);
        }
        self.touch(connection_key);
        self.arm_attempt_timer(key);
        if !end_stream {
            self.send_replay(key, StreamRef { connection: connection_key, stream }, request_ended);
        }
    }

    fn send_replay(&mut self, key: u32, up: StreamRef, request_ended: bool) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("send_replay") };
        let (replay, trailers) = (std::mem::take(&mut call.replay), call.request_trailers.take());
        let sent = match replay.is_empty() {
            true => 0,
            false => self.send_data(up, &replay, request_ended && trailers.is_none()),
        };
        if let Some(trailers) = &trailers {
            self.send_section(up, trailers, true);
        }
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("send_replay") };
        (call.replay, call.request_trailers) = (replay, trailers);
        if call.replayable != super::Replay::Kept {
            self.drop_replay(key, super::Replay::Overflowed);
        }
        self.release_request(key, sent);
    }

    /// The connection was better than its word a moment ago: another is looked for.
    fn not_opened(&mut self, key: u32, connection: u32, error: OpenError) {
        let pool = self.calls.get(key).and_then(|call| call.attempt.as_ref()).map(|attempt| attempt.pool);
        let Some(pool) = pool else { return self.impossible("not_opened") };
        if error != OpenError::StreamLimit {
            self.retire_connection(connection);
        }
        match self.choose(pool) {
            Some(Choice { connection: Some(other), .. }) if other != connection => self.launch(key, other),
            _ => {
                let _ = self.connect(key, pool);
                self.wait_for_connection(key, pool);
            }
        }
    }

    fn arm_attempt_timer(&mut self, key: u32) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("arm_attempt_timer") };
        let Policy::Outbound(outbound) = &call.policy else { return };
        let Some(per_try) = outbound.route.policy.per_try_timeout else { return };
        let at = self.now + per_try;
        // The call's own timer comes first then anyway.
        if call.deadline.instant().is_none_or(|end| at < end) {
            call.step_timer = self.timers.insert(at, Timer::Step(key));
        }
    }
}

/// The head as it goes up: the caller's own, `grpc-timeout` and `traceparent` in their old places with this hop's values.
fn write_head(call: &Call, now: std::time::Instant, out: &mut Fields) {
    out.clone_from(&call.head);
    let remaining = call.deadline.remaining(now).filter(|_| call.caller_has_deadline);
    let per_try = call.policy.told_per_try();
    let timeout = remaining.map(|left| format_timeout(per_try.map_or(left, |cap| left.min(cap))));
    let trace = attempt_trace(call).filter(|_| call.caller_traces || call.trace.context.sampled);
    if let Some(text) = &timeout {
        out.set(b"grpc-timeout", text.as_bytes());
    }
    if let Some(trace) = trace {
        let text = trace.format();
        if !call.caller_traces || !out.set(b"traceparent", &text) {
            out.push(b"traceparent", &text);
        }
    }
    if call.plan.retries() > 0 {
        out.remove(PREVIOUS_ATTEMPTS);
        out.push(PREVIOUS_ATTEMPTS, call.plan.previous_attempts().to_string().as_bytes());
    }
}

/// The context that the upstream continues: the attempt's own span where there is one, else the call's.
fn attempt_trace(call: &Call) -> Option<TraceContext> {
    let context = call.trace.context;
    let attempt = call.attempt.as_ref()?;
    Some(if call.tells_attempts() { TraceContext { span_id: attempt.span_id, ..context } } else { context })
}

fn no_endpoint(none: NoEndpoint, cluster: &Cluster) -> Refusal {
    let reason = match none {
        NoEndpoint::None => Reason::NoEndpoints,
        NoEndpoint::AllOpen => Reason::BreakerOpen,
    };
    Refusal::local(reason, cluster.refusal(none))
}
