//! `grpc-timeout` and the effective deadline.

use crate::support::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::resilience::deadline::{Deadline, format_timeout, parse_timeout};
use tulle_mesh::router::RoutePolicy;

fn capped(cap: Option<Duration>) -> RoutePolicy {
    RoutePolicy { request_timeout: cap, ..RoutePolicy::default() }
}

fn effective(caller: Option<Duration>, cap: Option<Duration>) -> Option<Duration> {
    let now = Instant::now();
    Deadline::effective(now, caller, &capped(cap)).remaining(now)
}

fn written(left: Duration) -> String {
    String::from_utf8(format_timeout(left).as_bytes().to_vec()).expect("ASCII")
}

#[test]
fn every_unit_is_read() {
    let units = [("1H", 3_600_000), ("2M", 120_000), ("3S", 3_000), ("4m", 4)];
    for (text, millis) in units {
        assert_eq!(parse_timeout(text.as_bytes()), Some(ms(millis)), "{text}");
    }
    assert_eq!(parse_timeout(b"5u"), Some(Duration::from_micros(5)));
    assert_eq!(parse_timeout(b"99999999n"), Some(Duration::from_nanos(99_999_999)));
}

#[test]
fn what_is_no_timeout_is_not_read() {
    for odd in [&b""[..], b"m", b"1", b"123456789m", b"1x", b"-1m", b"1.5S", b" 1m", b"+1m"] {
        assert_eq!(parse_timeout(odd), None, "{}", odd.escape_ascii());
    }
}

#[test]
fn what_is_left_is_written_in_the_finest_unit_that_eight_digits_hold() {
    assert_eq!(written(Duration::from_nanos(99_999_999)), "99999999n");
    assert_eq!(written(ms(100)), "100000u");
    assert_eq!(written(ms(15_000)), "15000000u");
    assert_eq!(written(ms(100_000)), "100000m");
    assert_eq!(written(Duration::from_secs(100_000)), "100000S");
    assert_eq!(written(Duration::MAX), "99999999H");
}

#[test]
fn what_is_left_never_becomes_0() {
    assert_eq!(written(Duration::ZERO), "1n");
}

#[test]
fn the_effective_deadline_is_the_earlier_of_the_callers_and_the_routes() {
    assert_eq!(effective(Some(ms(100)), Some(ms(200))), Some(ms(100)));
    assert_eq!(effective(Some(ms(300)), Some(ms(200))), Some(ms(200)));
    assert_eq!(effective(None, Some(ms(200))), Some(ms(200)));
    assert_eq!(effective(Some(ms(60_000)), None), Some(ms(60_000)));
}

#[test]
fn a_call_without_any_gets_none() {
    assert_eq!(effective(None, None), None);
}

#[test]
fn whose_time_was_over_decides_who_is_to_blame() {
    let now = Instant::now();
    let outcome = |caller, cap| Deadline::effective(now, caller, &capped(cap)).outcome();
    assert_eq!(outcome(Some(ms(100)), Some(ms(200))), Outcome::deadline());
    assert_eq!(outcome(Some(ms(200)), Some(ms(200))), Outcome::deadline(), "the caller's own where they are the same");
    assert_eq!(outcome(Some(ms(300)), Some(ms(200))), Outcome::cap());
    assert_eq!(outcome(None, Some(ms(200))), Outcome::cap());
}

#[test]
fn a_deadline_has_passed_at_its_instant() {
    let now = Instant::now();
    let deadline = Deadline::after(now, Some(ms(10)));
    assert!(!deadline.is_expired(now + ms(9)));
    assert!(deadline.is_expired(now + ms(10)));
    assert_eq!(deadline.remaining(now + ms(20)), Some(Duration::ZERO));
    assert!(!Deadline::NEVER.is_expired(now + ms(1_000_000)));
}

#[test]
fn a_timeout_beyond_the_clock_is_no_deadline() {
    assert_eq!(Deadline::after(Instant::now(), Some(Duration::MAX)), Deadline::NEVER);
}

proptest! {
    #[test]
    fn what_is_written_reads_back_at_most_a_unit_shorter(nanos in 1..u64::MAX / 2) {
        let left = Duration::from_nanos(nanos);
        let text = format_timeout(left);
        prop_assert!(text.as_bytes().len() <= 9);
        let back = parse_timeout(text.as_bytes()).expect("our own writing");
        prop_assert!(back <= left && !back.is_zero());
        // Eight digits: the unit is at most a ten-thousandth of the whole, a second at worst of 27 hours and more.
        prop_assert!(left - back <= left / 1_000, "{left:?} came back as {back:?}");
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
        let _ = parse_timeout(&bytes);
    }
}
