//! A service's limits and its retry budget: never more than allowed at once, and nothing stays held.

use crate::resilience::breaker::{Limit, ServiceBreaker, ServiceLimits};
use crate::resilience::budget::{BudgetPolicy, RetryBudget};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU32, Ordering::SeqCst};
use loom::thread;
use std::time::Instant;

macro_rules! within_its_limit {
    ($module:path) => {{
        use $module as breaker;
        loom::model(|| {
            let limits = breaker::ServiceLimits { requests: 1, ..Default::default() };
            let shared = Arc::new((breaker::ServiceBreaker::new(limits, None), AtomicU32::new(0)));
            let work = |shared: &(breaker::ServiceBreaker, AtomicU32)| {
                if shared.0.acquire(breaker::Limit::Requests).is_ok() {
                    assert_eq!(shared.1.fetch_add(1, SeqCst), 0, "more at once than the limit");
                    shared.1.fetch_sub(1, SeqCst);
                    shared.0.release(breaker::Limit::Requests);
                }
            };
            let other = shared.clone();
            let there = thread::spawn(move || work(&other));
            work(&shared);
            there.join().expect("no panic");
            assert_eq!(shared.0.held(breaker::Limit::Requests), 0);
        });
    }};
}

#[test]
fn two_workers_never_hold_more_than_the_limit() {
    within_its_limit!(crate::resilience::breaker);
}

#[test]
#[should_panic(expected = "more at once than the limit")]
fn a_limit_that_is_checked_and_then_taken_is_found() {
    within_its_limit!(crate::faulty::breaker);
}

#[test]
fn a_refusal_is_counted_once_and_holds_nothing() {
    loom::model(|| {
        let breaker = Arc::new(ServiceBreaker::new(ServiceLimits { pending: 1, ..ServiceLimits::default() }, None));
        let other = breaker.clone();
        let there = thread::spawn(move || other.acquire(Limit::Pending).is_ok());
        let here = breaker.acquire(Limit::Pending).is_ok();
        assert!(here ^ there.join().expect("no panic"), "one of two gets the one place");
        assert_eq!((breaker.held(Limit::Pending), breaker.refused(Limit::Pending)), (1, 1));
    });
}

#[test]
fn the_last_token_of_a_budget_is_spent_once() {
    loom::model(|| {
        let breaker = Arc::new(ServiceBreaker::new(ServiceLimits { retries: 0, ..ServiceLimits::default() }, None));
        let budget = Arc::new(RetryBudget::default());
        let (policy, now) = (BudgetPolicy { percent: 0, min_per_second: 1 }, Instant::now());
        // Ten are saved up.
        assert!((0..9).all(|_| budget.try_take(policy, &breaker, now)));
        let others = (breaker.clone(), budget.clone());
        let there = thread::spawn(move || others.1.try_take(policy, &others.0, now));
        let here = budget.try_take(policy, &breaker, now);
        assert!(here ^ there.join().expect("no panic"));
        assert_eq!((breaker.held(Limit::Retries), breaker.refused(Limit::Retries)), (10, 1));
    });
}
