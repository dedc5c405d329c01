//! A call's time: what is done when it is over, and what its caller is told.

use super::{Call, Failure, Phase};
use crate::planted;
use crate::worker::Worker;
use std::time::{Duration, Instant};
use tulle_mesh::outcome::Outcome;

/// Callers and servers keep the deadline themselves: their CANCEL this close before our own timer means the same.
const LEAD: Duration = Duration::from_millis(5);

impl Worker {
    /// The call's deadline has passed.
    pub(crate) fn deadline_passed(&mut self, key: u32) {
        let Some(call) = self.calls.get(key) else { return self.impossible("deadline_passed") };
        planted::panic_at("deadline", &call.head);
        if call.phase == Phase::Flushing {
            self.tell_cut(key, "deadline", "the caller did not take its answer before its deadline");
            return self.abandon_flush(key);
        }
        let (message, outcome) = (spent(call, self.now), call.deadline.outcome());
        self.end_call_by_proxy(key, outcome, &message);
        // The status waits behind data that its caller does not take: a reset does not.
        if self.calls.get(key).is_some_and(|call| call.phase == Phase::Flushing) {
            self.abandon_flush(key);
        }
    }

    /// The server gave up: because the time that it was told is over, if that is so; then this is dealt with as our own
    /// timer would have.
    pub(crate) fn ended_by_time(&mut self, key: u32) -> bool {
        let Some(call) = self.calls.get(key).filter(|call| call.phase == Phase::Running) else { return false };
        if is_out_of_time(call, self.now) {
            self.deadline_passed(key);
            return true;
        }
        let attempt_over = per_try_left(call, self.now).is_some_and(|left| left <= LEAD);
        if attempt_over {
            self.step_passed(key);
        }
        attempt_over
    }

    /// The time of the call's phase is over.
    pub(crate) fn step_passed(&mut self, key: u32) {
        let Some(call) = self.calls.get(key) else { return self.impossible("step_passed") };
        match call.phase {
            Phase::Waiting => self.waited_too_long(key),
            Phase::Backoff => self.start_attempt(key),
            Phase::Running => {
                let message = format!("the attempt's own time is over: {}", spent(call, self.now));
                self.attempt_failed(key, Failure::new(Outcome::per_try(), message));
            }
            Phase::Flushing => {}
        }
    }
}

/// Whether the call's deadline has passed for somebody whose clock is a little ahead.
pub(crate) fn is_out_of_time(call: &Call, now: Instant) -> bool {
    call.deadline.remaining(now).is_some_and(|left| left <= LEAD)
}

/// Of the attempt's own time, as far as the server was told it: it keeps that though its answer has begun.
fn per_try_left(call: &Call, now: Instant) -> Option<Duration> {
    let launched = call.attempt.as_ref()?.launched;
    let told = call.policy.told_per_try()?;
    Some((launched + told).saturating_duration_since(now))
}

/// Which hop spent what.
fn spent(call: &Call, now: Instant) -> String {
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let total = ms(now.saturating_duration_since(call.started));
    let side = if call.is_outbound() { "caller's" } else { "callee's" };
    let Some(attempt) = &call.attempt else {
        let when = if call.phase == Phase::Backoff { "between attempts" } else { "before any attempt" };
        return format!("deadline passed in the {side} sidecar after {total:.1} ms, {when}");
    };
    let waited = ms(now.saturating_duration_since(attempt.started));
    let number = call.plan.attempts();
    let address = attempt.target.address();
    let whom = call.policy.callee();
    let doing = match (attempt.answered, attempt.stream) {
        (Some(_), _) => "during the answer of",
        (None, Some(_)) => "waiting for an answer of",
        (None, None) => "waiting for a connection to",
    };
    format!(
        "deadline passed in the {side} sidecar after {total:.1} ms: {waited:.1} ms {doing} {whom} at {address} (attempt {number}), {:.1} ms before",
        total - waited
    )
}
