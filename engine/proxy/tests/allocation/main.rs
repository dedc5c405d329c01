//! What a worker takes from the heap: nothing for a call in steady state, and nothing for good after a burst.

mod counting;
#[path = "../support/end.rs"]
mod end;
// `bench/steps` uses the rest of it, and of the policies the other suites do.
#[allow(dead_code)]
#[path = "../support/line.rs"]
mod line;
#[allow(dead_code)]
#[path = "../support/policy.rs"]
mod policy;

use line::Line;
use std::time::Duration;

/// Warm: streams, calls, timers, series and tables have their places.
const WARM_UP: usize = 200;
const CALLS: usize = 2_000;

#[test]
fn a_unary_call_in_steady_state_allocates_nothing() {
    let mut line = Line::new();
    line.calls(WARM_UP, 100);
    let before = counting::allocations();
    line.calls(CALLS, 100);
    assert_eq!(counting::allocations() - before, 0);
}

#[test]
fn messages_of_16_kib_in_steady_state_allocate_nothing() {
    let mut line = Line::new();
    line.calls(WARM_UP, 16_384);
    let before = counting::allocations();
    line.calls(CALLS, 16_384);
    assert_eq!(counting::allocations() - before, 0);
}

#[test]
fn seventy_calls_at_once_allocate_nothing_once_seventy_were() {
    let mut line = Line::new();
    // Field lists change places, one a round: each must have grown to its size.
    line.calls_at_once(100, 70, 1_000);
    let before = counting::allocations();
    line.calls_at_once(10, 70, 1_000);
    assert_eq!(counting::allocations() - before, 0);
}

#[test]
fn what_a_burst_took_is_given_back() {
    let mut line = Line::new();
    line.calls(WARM_UP, 100);
    line.advance(Duration::from_secs(11));
    let before = counting::held_bytes();
    line.calls_at_once(4, 70, 60_000);
    let after = counting::held_bytes() - before;
    assert!(after > 256 * 1024, "no burst: {after} bytes");
    line.advance(Duration::from_secs(11));
    let kept = counting::held_bytes() - before;
    assert!(kept < 32 * 1024, "{kept} of {after} bytes are kept");
}
