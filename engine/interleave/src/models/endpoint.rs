//! An endpoint's load cell: what is counted is all there, and an open endpoint is known to be one.

use crate::balance::endpoint::{EndpointCell, EndpointKey};
use crate::balance::load::{Load, OpenEndpoints};
use crate::balance::peers::Peers;
use crate::method::MethodLabel;
use crate::outcome::Outcome;
use crate::resilience::accrual::{AccrualPolicy, EndpointState};
use crate::status::Code;
use crate::sync::Arc;
use loom::thread;
use std::time::{Duration, Instant};

fn cell(open: &Arc<OpenEndpoints>) -> EndpointCell {
    let load = Arc::new(Load::new(open.clone()));
    EndpointCell {
        id: "echo-1".into(),
        address: ([127, 0, 0, 1], 1).into(),
        identity: None,
        weight: 1,
        healthy: true,
        key: EndpointKey(1),
        accrual_policy: AccrualPolicy { consecutive_failures: 1, ..AccrualPolicy::default() },
        peers: Arc::new(Peers::new(vec![load.clone()], 1)),
        load,
    }
}

fn call(cell: &EndpointCell, now: Instant, outcome: Outcome) {
    let ticket = cell.ticket();
    cell.begin(now);
    cell.settle(ticket, now, Duration::from_millis(1), &outcome, MethodLabel::OTHER);
}

fn answered() -> Outcome {
    Outcome::trailers(Code::Ok, None)
}

#[test]
fn calls_of_two_workers_are_all_counted() {
    super::explore(3, || {
        let open = Arc::new(OpenEndpoints::default());
        let (cell, now) = (Arc::new(cell(&open)), Instant::now());
        let other = cell.clone();
        let there = thread::spawn(move || call(&other, now, answered()));
        call(&cell, now, answered());
        there.join().expect("no panic");
        assert_eq!((cell.in_flight(), cell.successes(), cell.failures()), (0, 2, 0));
        let latency = cell.ewma(now);
        assert!(latency >= Duration::from_millis(1) && latency <= Duration::from_millis(30), "{latency:?}");
    });
}

#[test]
fn open_endpoints_are_counted_as_they_open_and_close() {
    super::explore(3, || {
        let open = Arc::new(OpenEndpoints::default());
        let (cell, now) = (Arc::new(cell(&open)), Instant::now());
        let other = cell.clone();
        let there = thread::spawn(move || call(&other, now, Outcome::connect_failed()));
        call(&cell, now, Outcome::connect_failed());
        there.join().expect("no panic");
        assert_eq!((cell.state(), open.any()), (EndpointState::Open, true));
        // A minute later its probe succeeds while a last old call fails.
        let later = now + Duration::from_secs(60);
        let probe = cell.try_probe(later).expect("its time is up");
        let other = cell.clone();
        let there = thread::spawn(move || call(&other, later, Outcome::connect_failed()));
        cell.begin(later);
        cell.answered(probe);
        there.join().expect("no panic");
        assert_eq!(open.any(), cell.state() != EndpointState::Closed, "{:?}", cell.state());
        drop(Arc::into_inner(cell));
        assert!(!open.any(), "an endpoint that is gone is not open");
    });
}
