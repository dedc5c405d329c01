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
            breaker.on_failure(breaker.ticket(), &policy, true, 0, 1);
            let late = 10_000_000;
            let other = breaker.clone();
            let there = thread::spawn(move || other.try_probe(late));
            let here = breaker.try_probe(late);
            let there = there.join().expect("no panic");
            assert!(here.is_some() ^ there.is_some(), "a probe is one call, no more and no less");
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

use crate::resilience::accrual::{Accrual, AccrualPolicy, EndpointState, Ticket, Transition};
use crate::status::CodeSet;

const POLICY: AccrualPolicy = AccrualPolicy {
    consecutive_failures: 2,
    open_base: Duration::from_secs(1),
    open_max: Duration::from_secs(60),
    max_ejected_percent: 100,
    codes: CodeSet::NONE,
};
const LATE: u64 = 10_000_000;

fn fail(breaker: &Accrual, ticket: Ticket) -> Transition {
    breaker.on_failure(ticket, &POLICY, true, 5, 1)
}

/// Open, and the probe that was taken of it.
fn probed() -> (Arc<Accrual>, Ticket) {
    let breaker = Arc::new(Accrual::default());
    (0..2).for_each(|_| _ = fail(&breaker, breaker.ticket()));
    let probe = breaker.try_probe(LATE).expect("its time is up");
    (breaker, probe)
}

#[test]
fn failures_of_two_workers_open_it_once() {
    loom::model(|| {
        let breaker = Arc::new(Accrual::default());
        let (ticket, other) = (breaker.ticket(), breaker.clone());
        let there = thread::spawn(move || fail(&other, ticket));
        let here = fail(&breaker, ticket);
        let opened = [here, there.join().expect("no panic")].iter().filter(|one| **one == Transition::Opened).count();
        assert_eq!((opened, breaker.state(), breaker.ejections()), (1, EndpointState::Open, 1));
    });
}

#[test]
fn a_probe_that_says_nothing_is_taken_again_by_one() {
    loom::model(|| {
        let (breaker, probe) = probed();
        let other = breaker.clone();
        let there = thread::spawn(move || other.on_neutral(probe, LATE + 1));
        let early = breaker.try_probe(LATE + 1).is_some();
        there.join().expect("no panic");
        assert!(early ^ breaker.try_probe(LATE + 1).is_some());
    });
}

#[test]
fn a_call_from_before_never_decides_beside_the_probe() {
    loom::model(|| {
        let breaker = Arc::new(Accrual::default());
        let old = breaker.ticket();
        (0..2).for_each(|_| _ = fail(&breaker, old));
        let probe = breaker.try_probe(LATE).expect("its time is up");
        let other = breaker.clone();
        let there = thread::spawn(move || other.on_answer(probe));
        let late = (fail(&breaker, old), breaker.on_success(old));
        assert_eq!(late, (Transition::None, Transition::None));
        assert_eq!(there.join().expect("no panic"), Transition::Closed);
        assert_eq!((breaker.state(), breaker.consecutive_failures()), (EndpointState::Closed, 0));
    });
}

#[test]
fn of_a_probe_that_answers_while_it_is_replaced_one_thing_holds() {
    loom::model(|| {
        let (breaker, probe) = probed();
        let hung = LATE + 15_000_000;
        let other = breaker.clone();
        let there = thread::spawn(move || other.try_probe(hung));
        let closed = breaker.on_answer(probe) == Transition::Closed;
        let second = there.join().expect("no panic");
        assert!(closed ^ second.is_some(), "closed by the first, or probed by a second");
    });
}
