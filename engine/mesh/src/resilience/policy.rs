//! What holds for calls on a route: plain data that routing, deadlines and retries read.

use super::budget::BudgetPolicy;
use crate::random::Random;
use crate::status::{Code, CodeSet};
use std::time::Duration;

/// Exponent at which doubling stops mattering.
const MAX_DOUBLINGS: u32 = 16;

/// What holds for calls on a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoutePolicy {
    /// Cap on the whole call.
    pub request_timeout: Option<Duration>,
    /// Cap on one attempt.
    pub per_try_timeout: Option<Duration>,
    /// When and how often to try again.
    pub retry: RetryPolicy,
    /// Policy says that these methods may be executed twice.
    pub idempotent: bool,
}

/// When and how often to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included: 1 to 5.
    pub attempts: u32,
    /// Statuses that are tried again.
    pub codes: CodeSet,
    /// How long to wait.
    pub backoff: Backoff,
    /// What retries by policy may cost.
    pub budget: BudgetPolicy,
}

/// Exponential backoff with full jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait is between 0 and this.
    pub base: Duration,
    /// It doubles up to this.
    pub max: Duration,
}

// === impl RetryPolicy ===

impl Default for RetryPolicy {
    /// One retry on UNAVAILABLE.
    fn default() -> Self {
        Self {
            attempts: 2,
            codes: CodeSet::of(&[Code::Unavailable]),
            backoff: Backoff::default(),
            budget: BudgetPolicy::default(),
        }
    }
}

// === impl Backoff ===

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(25), max: Duration::from_millis(250) }
    }
}

impl Backoff {
    /// The longest wait before retry number `retry` (1 for the first).
    #[must_use]
    pub fn ceiling(&self, retry: u32) -> Duration {
        let doublings = retry.saturating_sub(1).min(MAX_DOUBLINGS);
        self.base.saturating_mul(1 << doublings).min(self.max)
    }

    /// A wait before retry number `retry`: anything from 0 to the ceiling, equally likely.
    #[must_use]
    pub fn wait(&self, retry: u32, random: &mut impl Random) -> Duration {
        self.ceiling(retry).mul_f64(random.unit())
    }
}
