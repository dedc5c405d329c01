//! Whether a failed attempt is made again: the pure state of one call.

use super::breaker::{Limit, ServiceBreaker};
use super::budget::RetryBudget;
use super::deadline::Deadline;
use super::policy::RoutePolicy;
use crate::method::MethodInfo;
use crate::outcome::{Cause, Execution, Outcome};
use crate::random::Random;
use crate::status::Code;
use std::time::{Duration, Instant};

pub use super::policy::{Backoff, RetryPolicy};

/// Attempts in all, whatever the policy and the cause.
pub const MAX_ATTEMPTS: u32 = 5;

/// One call's attempts.
#[derive(Clone, Debug)]
pub struct RetryPlan {
    policy: RetryPolicy,
    idempotent: bool,
    /// Policy retries unary and server-streaming calls alone; a method that is not declared counts as one of those as
    /// long as its request is wholly in the replay buffer.
    client_streaming: bool,
    /// Attempts begun.
    attempts: u32,
    /// Retries by policy among them.
    by_policy: u32,
    holds_budget: bool,
}

/// How far the call has come, as the retry sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing has gone to the caller, and all of the request so far is in the replay buffer.
    Replayable,
    /// Response headers went to the caller.
    Committed,
    /// The request outgrew the replay buffer.
    Overflowed,
}

/// `grpc-retry-pushback-ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// Negative or no number: never.
    Never,
    /// Wait this long, then.
    After(Duration),
}

/// Everything about a failed attempt that the decision needs.
#[derive(Clone, Copy, Debug)]
pub struct FailedAttempt {
    /// What the attempt came to.
    pub outcome: Outcome,
    /// Whether the call can still be replayed.
    pub progress: Progress,
    /// The call's deadline, not the attempt's.
    pub deadline: Deadline,
    /// Median latency of the method at the endpoint that a retry would go to; zero where none is known.
    pub p50: Duration,
    /// What the response's `grpc-retry-pushback-ms` asks.
    pub pushback: Option<Pushback>,
    /// Attempts that a proxy further down already made (`grpc-previous-rpc-attempts` of its response), 0 if none.
    pub attempts_below: u32,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Try again, after this wait.
    Retry {
        /// 0 to the backoff, or what the server asked for.
        after: Duration,
    },
    /// Give the caller the outcome.
    Stop(Stop),
}

/// Why no retry is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The outcome is final: success, or a code that policy does not list.
    Final,
    /// All attempts are made.
    Exhausted,
    /// It would have been tried again, were it not for this; counted as `tulle.retries.skipped`.
    Skipped(Skip),
}

/// A retry that was wanted and not made (`tulle.retries.skipped` in `protos/names.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The service's retry budget is spent.
    Budget,
    /// The request outgrew the replay buffer.
    Buffer,
    /// It could not end before the deadline.
    Deadline,
    /// The server said never.
    Pushback,
    /// The response had begun.
    Committed,
    /// The method may not be executed twice, and it may have been executed once.
    NotIdempotent,
    /// A proxy further down has already tried again.
    FurtherDown,
}

// === impl Pushback ===

impl Pushback {
    /// Reads `grpc-retry-pushback-ms` (gRFC A6): a number of milliseconds; negative or unreadable means never.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let text = std::str::from_utf8(value).unwrap_or_default();
        text.parse::<u32>().map_or(Self::Never, |ms| Self::After(Duration::from_millis(ms.into())))
    }
}

// === impl Skip ===

impl Skip {
    /// The label's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Buffer => "buffer",
            Self::Deadline => "deadline",
            Self::Pushback => "pushback",
            Self::Committed => "committed",
            Self::NotIdempotent => "not_idempotent",
            Self::FurtherDown => "further_down",
        }
    }
}

// === impl RetryPlan ===

impl RetryPlan {
    /// A plan whose first attempt is about to begin. A method is idempotent when it or the route says so.
    #[must_use]
    pub fn new(route: &RoutePolicy, method: &MethodInfo) -> Self {
        Self {
            policy: route.retry,
            idempotent: route.idempotent || method.idempotent,
            client_streaming: method.client_streaming == Some(true),
            attempts: 1,
            by_policy: 0,
            holds_budget: false,
        }
    }

    /// Attempts begun, the first included.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What the next attempt sends as `grpc-previous-rpc-attempts`: 0 (the field is then left out) to 4.
    #[must_use]
    pub fn previous_attempts(&self) -> u32 {
        self.attempts - 1
    }

    /// Whether response headers should be held back so that the call stays replayable.
    #[must_use]
    pub fn may_try_again(&self) -> bool {
        self.attempts < MAX_ATTEMPTS && self.by_policy + 1 < self.policy.attempts
    }

    /// Decides on a failed attempt. `Retry` counts the next attempt as begun.
    pub fn decide(
        &mut self,
        failed: &FailedAttempt,
        budget: &RetryBudget,
        breaker: &ServiceBreaker,
        now: Instant,
        random: &mut impl Random,
    ) -> Decision {
        self.finish(breaker);
        let safe = failed.outcome.execution() == Execution::NotSeen;
        let checked = if safe { self.check_safe(failed) } else { self.check_by_policy(failed) };
        if let Err(stop) = checked {
            return Decision::Stop(stop);
        }
        let Some(after) = self.wait(failed, safe, random) else { return Decision::Stop(Stop::Skipped(Skip::Pushback)) };
        if failed.deadline.remaining(now).is_some_and(|left| left <= after + failed.p50) {
            return Decision::Stop(Stop::Skipped(Skip::Deadline));
        }
        if !safe && !self.pay(budget, breaker, now) {
            return Decision::Stop(Stop::Skipped(Skip::Budget));
        }
        self.attempts += 1;
        Decision::Retry { after }
    }

    /// Gives back what the retry in flight holds. Call it when the call ends, however it ends.
    pub fn finish(&mut self, breaker: &ServiceBreaker) {
        if std::mem::take(&mut self.holds_budget) {
            breaker.release(Limit::Retries);
        }
    }

    /// Connect failure, REFUSED_STREAM, above a GOAWAY: any call, as long as it can be replayed; no budget.
    fn check_safe(&self, failed: &FailedAttempt) -> Result<(), Stop> {
        replayable(failed.progress)?;
        if self.attempts >= MAX_ATTEMPTS { Err(Stop::Exhausted) } else { Ok(()) }
    }

    fn check_by_policy(&self, failed: &FailedAttempt) -> Result<(), Stop> {
        if !self.wants(&failed.outcome) {
            return Err(Stop::Final);
        }
        if !self.may_try_again() {
            return Err(Stop::Exhausted);
        }
        replayable(failed.progress)?;
        if !self.idempotent && failed.outcome.execution() != Execution::Declined {
            return Err(Stop::Skipped(Skip::NotIdempotent));
        }
        if failed.attempts_below > 0 {
            return Err(Stop::Skipped(Skip::FurtherDown));
        }
        Ok(())
    }

    /// A listed code; and where the method is idempotent, a reset or a lost connection whatever its code.
    fn wants(&self, outcome: &Outcome) -> bool {
        if outcome.code == Code::Ok || self.client_streaming || self.policy.attempts < 2 {
            return false;
        }
        match outcome.cause {
            Cause::Local | Cause::Caller => false,
            Cause::Reset | Cause::ConnectionLost if self.idempotent => true,
            _ => self.policy.codes.contains(outcome.code),
        }
    }

    /// The server's own wish first. A call that no server saw goes elsewhere at once, the first time.
    fn wait(&self, failed: &FailedAttempt, safe: bool, random: &mut impl Random) -> Option<Duration> {
        match failed.pushback {
            Some(Pushback::Never) => None,
            Some(Pushback::After(wait)) => Some(wait),
            None if safe && self.attempts == 1 => Some(Duration::ZERO),
            None => Some(self.policy.backoff.wait(self.attempts, random)),
        }
    }

    fn pay(&mut self, budget: &RetryBudget, breaker: &ServiceBreaker, now: Instant) -> bool {
        self.holds_budget = budget.try_take(self.policy.budget, breaker, now);
        self.by_policy += u32::from(self.holds_budget);
        self.holds_budget
    }
}

fn replayable(progress: Progress) -> Result<(), Stop> {
    match progress {
        Progress::Replayable => Ok(()),
        Progress::Committed => Err(Stop::Skipped(Skip::Committed)),
        Progress::Overflowed => Err(Stop::Skipped(Skip::Buffer)),
    }
}
