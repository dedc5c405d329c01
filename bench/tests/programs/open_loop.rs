//! A rate is kept whatever the answers do, and latency is from the time a call was due.

use crate::running::{BACKEND, Running, load};

#[test]
fn as_many_calls_are_made_as_the_rate_says() {
    let counted =
        load(&Running::backend().address, "--payload 100 --connections 3 --streams 10 --seconds 0.5 --rate 1000");
    counted.assert_all_ok();
    assert_eq!(counted.number("ok"), 500);
}

#[test]
fn a_stall_shows_in_the_tail() {
    let backend = Running::start(BACKEND, &["--stall-at", "0.5", "--stall-ms", "100"]);
    let counted = load(&backend.address, "--payload 100 --connections 1 --streams 2 --seconds 2 --rate 2000");
    counted.assert_all_ok();
    assert_eq!(counted.number("ok"), 4000);
    // 200 calls were due meanwhile, the first of them 100 ms before it was over: the longest four tell the p99.9, and
    // no more than two of these were in flight.
    assert!(counted.micros("p999_us") >= 90_000.0, "{}", counted.micros("p999_us"));
}

#[test]
fn a_stall_shows_that_lasts_beyond_the_end() {
    let backend = Running::start(BACKEND, &["--stall-at", "0.9", "--stall-ms", "300"]);
    let counted = load(&backend.address, "--payload 100 --connections 1 --streams 10 --seconds 1 --rate 1000");
    counted.assert_all_ok();
    assert_eq!(counted.number("ok"), 1000);
    // A tenth of the calls was due from 0.9 s on and was answered from 1.2 s on.
    assert!(counted.micros("p99_us") >= 200_000.0, "{}", counted.micros("p99_us"));
}

#[test]
fn a_stall_leaves_a_closed_loops_figures_in_order() {
    let backend = Running::start(BACKEND, &["--stall-at", "0.2", "--stall-ms", "300"]);
    let counted = load(&backend.address, "--payload 100 --connections 1 --streams 1 --seconds 0.4");
    counted.assert_all_ok();
    // The call that ended after the window is left out of it, and told.
    assert_eq!(counted.number("late"), 1);
    assert!(counted.micros("max_us") < 250_000.0, "{}", counted.micros("max_us"));
    assert!(counted.micros("p50_us") <= counted.micros("p90_us"));
    assert!(counted.micros("p999_us") <= counted.micros("max_us") * 1.001);
    assert!(counted.micros("cpu_us_a_call") > 0.0);
}
