//! An endpoint's breaker: one opens it, one probes it, and a success closes it for good.

use crate::sync::Arc;
use loom::thread;
use std::time::Duration;

macro_rules! one_probe {
    ($module:path) => {{
        use $module as accrual;
        loom::model(|| {
            let policy = accrual::AccrualPolicy { consecutive_failures: 1, ..Default::default() };
            let breaker = Arc::new(accrual::Accrual::default());
            breaker.on_failure(&policy, 0, 1);
            let late = 10_000_000;
            let other = breaker.clone();
            let there = thread::spawn(move || other.try_probe(late));
            let here = breaker.try_probe(late);
            assert!(here ^ there.join().expect("no panic"), "a probe is one call, no more and no less");
        });
    }};
}

#[test]
fn one_of_two_workers_probes() {
    one_probe!(crate::resilience::accrual);
}

#[test]
#[should_panic(expected = "a probe is one call")]
fn a_probe_that_is_checked_and_then_taken_is_found() {
    one_probe!(crate::faulty::accrual);
}

use crate::resilience::accrual::{Accrual, AccrualPolicy, EndpointState, Transition};

const POLICY: AccrualPolicy =
    AccrualPolicy { consecutive_failures: 2, open_base: Duration::from_secs(1), open_max: Duration::from_secs(60) };

#[test]
fn failures_of_two_workers_open_it_once() {
    loom::model(|| {
        let breaker = Arc::new(Accrual::default());
        let other = breaker.clone();
        let there = thread::spawn(move || other.on_failure(&POLICY, 5, 1));
        let here = breaker.on_failure(&POLICY, 5, 2);
        let opened = [here, there.join().expect("no panic")].iter().filter(|one| **one == Transition::Opened).count();
        assert_eq!((opened, breaker.state(), breaker.ejections()), (1, EndpointState::Open, 1));
    });
}

#[test]
fn a_probe_that_says_nothing_is_taken_again_by_one() {
    loom::model(|| {
        let breaker = Arc::new(Accrual::default());
        breaker.on_failure(&POLICY, 0, 1);
        breaker.on_failure(&POLICY, 0, 1);
        assert!(breaker.try_probe(10_000_000));
        let other = breaker.clone();
        let there = thread::spawn(move || other.on_neutral(10_000_001));
        let early = breaker.try_probe(10_000_001);
        there.join().expect("no panic");
        assert!(early ^ breaker.try_probe(10_000_001));
    });
}

#[test]
fn one_failure_after_a_success_of_the_probe_does_not_open_it() {
    loom::model(|| {
        let breaker = Arc::new(Accrual::default());
        breaker.on_failure(&POLICY, 0, 1);
        breaker.on_failure(&POLICY, 0, 1);
        assert!(breaker.try_probe(10_000_000));
        let other = breaker.clone();
        let probe = thread::spawn(move || other.on_success());
        let late = breaker.on_failure(&POLICY, 10_000_000, 1);
        let closed = probe.join().expect("no panic") == Transition::Closed;
        assert!(!closed || late != Transition::Opened, "closed, and opened by one failure of two");
    });
}
