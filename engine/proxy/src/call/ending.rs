//! The end of an attempt and of a call: one outcome, told to retry, accrual, balance, counters, span and caller alike.

use super::reply::{Head, Refusal};
use super::{Failure, Phase, Policy, Replay, answer};
use crate::worker::{Timer, Worker};
use tulle_http2::ErrorCode;
use tulle_mesh::method::MethodLabel;
use tulle_mesh::outcome::Outcome;
use tulle_mesh::proto::Direction;
use tulle_mesh::resilience::breaker::Limit;
use tulle_mesh::resilience::retry::{Decision, FailedAttempt, Progress, Pushback, Stop, Told};
use tulle_mesh::status::Code;
use tulle_mesh::telemetry::{CallSample, CounterName, SeriesKey};

impl Worker {
    /// An attempt failed without a reply that could be passed on.
    pub(crate) fn attempt_failed(&mut self, key: u32, failure: Failure) {
        if !self.tried_again(key, &failure.outcome, None) {
            self.end_call_by_proxy(key, failure.outcome, &failure.message);
        }
    }

    /// Asks the retry plan; true where another attempt is on its way.
    pub(crate) fn tried_again(&mut self, key: u32, outcome: &Outcome, pushback: Option<Pushback>) -> bool {
        self.end_attempt(key, outcome);
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("tried_again") };
        if call.phase == Phase::Flushing {
            return false;
        }
        let progress = match call.replayable {
            _ if call.reply == Head::Sent => Progress::Committed,
            Replay::Kept => Progress::Replayable,
            Replay::Committed => Progress::Committed,
            Replay::Overflowed => Progress::Overflowed,
        };
        let (p50, budget) = match &call.policy {
            Policy::Outbound(outbound) => {
                (outbound.cluster.best_p50(outbound.method.label, &call.tried), &*outbound.service.budget)
            }
            Policy::Inbound(_) => (std::time::Duration::ZERO, &self.no_budget),
        };
        let failed = FailedAttempt {
            outcome: *outcome,
            progress,
            deadline: call.deadline,
            p50,
            pushback,
            attempts_below: call.below,
        };
        match call.plan.decide(&failed, budget, call.policy.breaker(), self.now, &mut self.random) {
            Decision::Stop(Stop::Skipped(skip)) => {
                self.telemetry.counters.add(CounterName::RetriesSkipped, skip.as_str(), 1);
                false
            }
            Decision::Stop(_) => false,
            Decision::Retry { after } => {
                call.held.clear();
                self.timers.cancel(&mut call.hold_timer);
                call.phase = Phase::Backoff;
                if after.is_zero() {
                    // Not from within the event that failed it: a whole queue may fail at once.
                    self.turn.restart(key);
                } else {
                    call.step_timer = self.timers.insert(self.now + after, Timer::Step(key));
                }
                true
            }
        }
    }

    /// Settles the attempt with its endpoint and lets its stream go. No-op where there is none.
    pub(crate) fn end_attempt(&mut self, key: u32, outcome: &Outcome) {
        self.leave_queue(key);
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("end_attempt") };
        self.timers.cancel(&mut call.step_timer);
        let Some(attempt) = call.attempt.take() else { return };
        if let (Some(cell), Some(ticket)) = (attempt.target.cell(), attempt.ticket) {
            // A stream's latency is its first answer's; a unary call's is its whole.
            let until = match call.policy.method().unary {
                Some(true) => self.now,
                _ => attempt.answered.unwrap_or(self.now),
            };
            let latency = until.saturating_duration_since(attempt.started);
            cell.settle(ticket, self.now, latency, outcome, call.policy.label());
        }
        if call.tells_attempts() {
            self.telemetry.spans.push(|| call.attempt_span(&attempt, outcome, &self.clock, self.now));
        }
        if let Some(up) = attempt.stream {
            let down = call.down.connection;
            self.let_go(up, attempt.pool, attempt.launched, down);
        }
    }

    /// The proxy itself says how the call ended.
    pub(crate) fn end_call_by_proxy(&mut self, key: u32, outcome: Outcome, message: &str) {
        self.end_attempt(key, &outcome);
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("end_call_by_proxy") };
        if call.phase == Phase::Flushing {
            return;
        }
        self.tell_ended(key, &outcome, message);
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("end_call_by_proxy") };
        call.held.clear();
        let (head, down, told) = (call.reply, call.down, call.plan.told(call.below));
        call.reply = Head::Sent;
        Refusal { outcome, message: message.to_owned() }.write(head, &mut self.scratch);
        answer::tell(told, &mut self.scratch);
        self.send_made(down, true);
        self.finish_reply(key, &outcome);
    }

    /// The reply is with the downstream connection; the call stays until its last byte has left.
    pub(crate) fn finish_reply(&mut self, key: u32, outcome: &Outcome) {
        self.leave_place(key);
        self.drop_replay(key, Replay::Committed);
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("finish_reply") };
        call.phase = Phase::Flushing;
        call.outcome = *outcome;
        self.timers.cancel(&mut call.hold_timer);
        self.check_flushed(key);
    }

    /// Ends a call whose reply has wholly left its queue. A caller that is still sending is told to stop.
    pub(crate) fn check_flushed(&mut self, key: u32) {
        let Some(call) = self.calls.get(key) else { return self.impossible("check_flushed") };
        if call.phase != Phase::Flushing {
            return;
        }
        let (down, ended, outcome) = (call.down, call.request_ended, call.outcome);
        if self.connections.get(down.connection).is_some_and(|connection| connection.http2.queued(down.stream) > 0) {
            return;
        }
        self.record_call(key, &outcome);
        if !ended {
            self.reset(down, ErrorCode::NO_ERROR);
        }
        self.remove_call(key);
    }

    /// A caller that does not take its reply before its own deadline does not want it.
    pub(crate) fn abandon_flush(&mut self, key: u32) {
        let Some(call) = self.calls.get(key) else { return self.impossible("abandon_flush") };
        let (down, outcome) = (call.down, call.deadline.outcome());
        self.record_call(key, &outcome);
        self.reset(down, ErrorCode::CANCEL);
        self.remove_call(key);
    }

    /// Forgets a call that has been recorded; its attempt has ended.
    pub(crate) fn remove_call(&mut self, key: u32) {
        self.drop_replay(key, Replay::Committed);
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("remove_call") };
        self.timers.cancel(&mut call.deadline_timer);
        self.timers.cancel(&mut call.step_timer);
        self.timers.cancel(&mut call.hold_timer);
        let down = call.down;
        self.calls.remove(key);
        self.after_downstream_stream(down.connection);
    }

    /// What the final answer to a call that failed says of its attempts.
    pub(crate) fn told_of(&mut self, key: u32, outcome: &Outcome) -> Told {
        let Some(call) = self.calls.get(key) else { return self.impossible("told_of") };
        let below = match (&call.policy, &self.settings.application) {
            (Policy::Inbound(_), Some(application)) => {
                application.retries_under(call.mark(outcome), call.started, self.now)
            }
            _ => call.below,
        };
        call.plan.told(below)
    }

    /// A call of the application failed: should it fail for that, its own callers need not try once more.
    fn remember_retries(&mut self, key: u32, outcome: &Outcome) {
        let Some(call) = self.calls.get(key) else { return self.impossible("remember_retries") };
        let retries = call.plan.told(call.below).previous_attempts;
        if let Some(application) = self.settings.application.as_ref().filter(|_| retries > 0) {
            application.remember(call.mark(outcome), retries, self.now);
        }
    }

    /// The call's work is done: another may take its place among those in flight.
    pub(crate) fn leave_place(&mut self, key: u32) {
        let Some(super::Call { policy, plan, .. }) = self.calls.get_mut(key) else {
            return self.impossible("leave_place");
        };
        plan.finish(policy.breaker());
        policy.breaker().release(Limit::Requests);
    }

    /// The call's outcome, once: when the last byte of the reply has left its queue, or will not.
    pub(crate) fn record_call(&mut self, key: u32, outcome: &Outcome) {
        let Some(call) = self.calls.get_mut(key) else { return self.impossible("record_call") };
        let super::Call { policy, .. } = call;
        if policy.label() == MethodLabel::OTHER {
            policy.learn(call.head.get(b":path").unwrap_or_default(), outcome);
        }
        let (direction, cluster, mtls) = match &call.policy {
            Policy::Outbound(outbound) => {
                // The cell that carried the last attempt is gone by now; what it must prove is the cluster's rule.
                let mtls = outbound.cluster.endpoints().first().is_some_and(|cell| cell.identity.is_some());
                let cluster = if call.tried.is_empty() { "" } else { &**outbound.cluster.name() };
                (Direction::Outbound, cluster, mtls)
            }
            Policy::Inbound(inbound) => (Direction::Inbound, "", inbound.peer.is_some()),
        };
        let series = SeriesKey {
            direction,
            peer: call.policy.peer(),
            cluster,
            method: call.policy.method_name(),
            status: outcome.code,
            reason: outcome.reason,
            mtls,
        };
        let sample = CallSample {
            duration_us: self.now.saturating_duration_since(call.started).as_micros() as u64,
            request_bytes: call.request_bytes,
            response_bytes: call.response_bytes,
            retries: call.plan.retries(),
            without_deadline: call.deadline.instant().is_none(),
        };
        self.telemetry.series.record(&series, &sample);
        if outcome.code != Code::Ok && call.is_outbound() {
            self.remember_retries(key, outcome);
        }
        let Some(call) = self.calls.get(key) else { return self.impossible("record_call") };
        if call.trace.keeps(outcome.is_success()) {
            self.telemetry.spans.push(|| call.span(outcome, &self.clock, self.now));
        }
    }
}
