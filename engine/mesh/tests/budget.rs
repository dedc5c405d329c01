//! What may be spent on retries.

use crate::support::ms;
use std::time::Instant;
use tulle_mesh::resilience::breaker::{Limit, ServiceBreaker, ServiceLimits};
use tulle_mesh::resilience::budget::{BudgetPolicy, RetryBudget};

const SHARE_ONLY: BudgetPolicy = BudgetPolicy { percent: 20, min_per_second: 0 };
const TOKENS_ONLY: BudgetPolicy = BudgetPolicy { percent: 0, min_per_second: 10 };

fn service(retries: u32, active: u32) -> ServiceBreaker {
    let breaker = ServiceBreaker::new(ServiceLimits { retries, ..ServiceLimits::default() }, None);
    (0..active).for_each(|_| breaker.acquire(Limit::Requests).expect("under the limit"));
    breaker
}

/// How many of `wanted` retries are admitted, one after the other, none of them ending.
fn admitted(wanted: usize, policy: BudgetPolicy, breaker: &ServiceBreaker) -> usize {
    let (budget, now) = (RetryBudget::default(), Instant::now());
    (0..wanted).filter(|_| budget.try_take(policy, breaker, now)).count()
}

#[test]
fn at_least_3_may_be_in_flight() {
    let breaker = service(3, 1);
    assert_eq!(admitted(10, SHARE_ONLY, &breaker), 3);
    assert_eq!(breaker.refused(Limit::Retries), 7);
}

#[test]
fn a_fifth_of_the_active_requests_may_be_retries() {
    assert_eq!(admitted(200, SHARE_ONLY, &service(3, 100)), 20);
}

#[test]
fn ten_a_second_over_ten_seconds_come_on_top() {
    assert_eq!(admitted(200, TOKENS_ONLY, &service(0, 100)), 100);
    assert_eq!(admitted(200, BudgetPolicy::default(), &service(3, 100)), 120);
}

#[test]
fn spent_tokens_come_back_ten_a_second() {
    let (budget, breaker, start) = (RetryBudget::default(), service(0, 0), Instant::now());
    let spend = |now| (0..200).filter(|_| budget.try_take(TOKENS_ONLY, &breaker, now)).count();
    assert_eq!(spend(start), 100);
    assert_eq!(spend(start + ms(99)), 0);
    assert_eq!(spend(start + ms(1000)), 10);
    assert_eq!(spend(start + ms(60_000)), 100);
}

#[test]
fn a_retry_that_ends_gives_its_place_back() {
    let (budget, breaker, now) = (RetryBudget::default(), service(1, 0), Instant::now());
    assert!(budget.try_take(SHARE_ONLY, &breaker, now));
    assert!(!budget.try_take(SHARE_ONLY, &breaker, now));
    breaker.release(Limit::Retries);
    assert!(budget.try_take(SHARE_ONLY, &breaker, now));
}

#[test]
fn a_budget_of_nothing_allows_nothing() {
    assert_eq!(admitted(10, BudgetPolicy { percent: 0, min_per_second: 0 }, &service(0, 100)), 0);
}
