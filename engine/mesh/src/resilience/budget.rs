//! What a service may spend on retries, so that they never become the load.
//!
//! A retry is in flight from the decision (its backoff included) to its attempt's end. It is admitted while fewer than
//! the larger of `max_retries` (3 by default) and 20 % of the active requests are in flight; beyond that it takes a
//! token of 10 a second, of which 10 s may be saved up. (Envoy's budget is the first rule, Linkerd's the second;
//! semantics.md asks for their sum.) Only retries touch the tokens, so calls that succeed share nothing here.

use super::breaker::{Limit, ServiceBreaker};
use crate::ticks::Ticks;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Tokens are saved up for this long.
pub const WINDOW: Duration = Duration::from_secs(10);
const WINDOW_US: u64 = 10_000_000;

/// How much of the load retries may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetPolicy {
    /// Percentage of the active requests, 0 to 100.
    pub percent: u32,
    /// Retries a second beyond that.
    pub min_per_second: u32,
}

/// A service's tokens, as the virtual time of GCRA: when the last token taken will have been earned back.
#[derive(Debug, Default)]
pub struct RetryBudget {
    ticks: Ticks,
    spent_until_us: AtomicU64,
}

impl Default for BudgetPolicy {
    fn default() -> Self {
        Self { percent: 20, min_per_second: 10 }
    }
}

impl RetryBudget {
    /// Takes what a retry costs, or counts the refusal. What was taken is given back by
    /// `breaker.release(Limit::Retries)` when the attempt ends.
    pub fn try_take(&self, policy: BudgetPolicy, breaker: &ServiceBreaker, now: Instant) -> bool {
        let active = u64::from(breaker.held(Limit::Requests));
        let share = active * u64::from(policy.percent) / 100;
        let free = share.max(u64::from(breaker.limits().retries));
        if u64::from(breaker.hold_retry()) < free || self.take_token(policy.min_per_second, now) {
            return true;
        }
        breaker.release(Limit::Retries);
        breaker.refuse(Limit::Retries);
        false
    }

    fn take_token(&self, per_second: u32, now: Instant) -> bool {
        if per_second == 0 {
            return false;
        }
        let cost_us = 1_000_000 / u64::from(per_second);
        // An idle start is a full purse: time begins one window late.
        let now_us = self.ticks.micros(now) + WINDOW_US;
        let take = |spent: u64| {
            let spent = spent.max(now_us - WINDOW_US) + cost_us;
            (spent <= now_us).then_some(spent)
        };
        self.spent_until_us.fetch_update(Relaxed, Relaxed, take).is_ok()
    }
}
