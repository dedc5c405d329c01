//! Whether a failed attempt is made again, and what others are told of it: the pure state of one call.

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
/// A caller's count beyond this changes nothing.
const MOST_PREVIOUS: u32 = 1_000;

/// One call's attempts.
#[derive(Clone, Debug)]
pub struct RetryPlan {
    policy: RetryPolicy,
    idempotent: bool,
    /// Policy retries unary and server-streaming calls alone; a method that is not declared counts as one of those as
    /// long as its request is wholly in the replay buffer.
    client_streaming: bool,
    /// Attempts that the caller says it made before this call (`grpc-previous-rpc-attempts` of the request).
    previous: u32,
    /// Attempts begun here.
    attempts: u32,
    /// Retries by policy among them.
    by_policy: u32,
    holds_budget: bool,
}

/// What the final answer says to whoever might try the call once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `grpc-previous-rpc-attempts`: attempts after which the server may have acted, the last one left out; 0: no field.
    /// A proxy further up then makes no retry.
    pub previous_attempts: u32,
    /// `grpc-retry-pushback-ms: -1`: a gRPC client with a retry policy of its own does not try again (gRFC A6).
    pub pushback_never: bool,
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
    /// Retries that a proxy further down already made (`grpc-previous-rpc-attempts` of its response), 0 if none.
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
            previous: 0,
            attempts: 1,
            by_policy: 0,
            holds_budget: false,
        }
    }

    /// The same for a caller that has already made `previous` attempts of its own: they count as made.
    #[must_use]
    pub fn after(self, previous: u32) -> Self {
        Self { previous: previous.min(MOST_PREVIOUS), ..self }
    }

    /// Attempts begun here, the first included.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Attempts beyond the first here: what is counted as retries.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.attempts - 1
    }

    /// What the next attempt sends as `grpc-previous-rpc-attempts`: the caller's number and ours, never a smaller one. Where
    /// [`RetryPlan::retries`] is 0 the caller's own field goes up as it came.
    #[must_use]
    pub fn previous_attempts(&self) -> u32 {
        self.previous + self.retries()
    }

    /// What the call's final answer says, where that is a failure. `below`: retries that were made further down.
    #[must_use]
    pub fn told(&self, below: u32) -> Told {
        let previous_attempts = self.by_policy + below;
        Told { previous_attempts, pushback_never: previous_attempts > 0 }
    }

    /// Whether response headers should be held back so that the call stays replayable.
    #[must_use]
    pub fn may_try_again(&self) -> bool {
        self.attempts < MAX_ATTEMPTS && self.previous + self.by_policy + 1 < self.policy.attempts
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

    /// Connect failure, REFUSED_STREAM, above a GOAWAY, or a proven sidecar that says as much: any call, as long as it can be
    /// replayed; no budget. Nothing was executed, so what others have tried does not count.
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
        if !self.idempotent && failed.outcome.execution() == Execution::Possible {
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
            Cause::Local | Cause::LocalFault | Cause::Caller | Cause::Deadline | Cause::Cap => false,
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

/// Reads `grpc-previous-rpc-attempts`: how often it was tried before; 0 for what is no number.
#[must_use]
pub fn parse_previous(value: &[u8]) -> u32 {
    let text = std::str::from_utf8(value).unwrap_or_default();
    text.parse::<u32>().map_or(0, |number| number.min(MOST_PREVIOUS))
}

fn replayable(progress: Progress) -> Result<(), Stop> {
    match progress {
        Progress::Replayable => Ok(()),
        Progress::Committed => Err(Stop::Skipped(Skip::Committed)),
        Progress::Overflowed => Err(Stop::Skipped(Skip::Buffer)),
    }
}
