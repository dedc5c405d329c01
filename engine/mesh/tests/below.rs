//! What was tried further down, told to whoever might try again.

use crate::support::*;
use std::time::{Duration, Instant};
use tulle_mesh::resilience::below::{Below, MAX_REMEMBERED, Mark};
use tulle_mesh::status::Code;

const TRACE: [u8; 16] = [1; 16];
const OTHER: [u8; 16] = [2; 16];

fn unavailable(trace_id: Option<[u8; 16]>) -> Mark {
    Mark { trace_id, code: Code::Unavailable }
}

/// One outbound call that failed at 100 ms, under an inbound call that began at 0.
fn scene(mark: Mark) -> (Below, Instant) {
    let (mut below, began) = (Below::default(), Instant::now());
    below.remember(mark, 1, began + ms(100));
    (below, began)
}

#[test]
fn an_application_that_answers_with_the_same_status_soon_after_is_marked_and_once_alone() {
    let (mut below, began) = scene(unavailable(None));
    let now = began + ms(101);
    assert_eq!(below.retries_under(unavailable(None), began, now), 1);
    assert_eq!(below.retries_under(unavailable(None), began, now), 0, "one failed call explains one answer");
}

#[test]
fn another_status_a_later_answer_and_a_call_that_began_later_are_not() {
    let (mut below, began) = scene(unavailable(None));
    let internal = Mark { code: Code::Internal, ..unavailable(None) };
    assert_eq!(below.retries_under(internal, began, began + ms(101)), 0);
    assert_eq!(below.retries_under(unavailable(None), began, began + ms(1101)), 0);
    assert_eq!(below.retries_under(unavailable(None), began + ms(101), began + ms(102)), 0);
    assert_eq!(below.retries_under(unavailable(None), began, began + ms(1100)), 1);
}

#[test]
fn calls_of_one_trace_belong_together_whatever_status_the_application_makes_of_it() {
    let (mut below, began) = scene(unavailable(Some(TRACE)));
    let failing = Mark { trace_id: Some(TRACE), code: Code::Internal };
    for seconds in [1, 29] {
        assert_eq!(below.retries_under(failing, began, began + Duration::from_secs(seconds)), 1);
    }
    assert_eq!(below.retries_under(failing, began, began + Duration::from_secs(31)), 0);
}

#[test]
fn calls_of_two_traces_do_not_and_one_without_a_trace_goes_by_status_and_time() {
    let (mut below, began) = scene(unavailable(Some(TRACE)));
    let now = began + ms(101);
    assert_eq!(below.retries_under(unavailable(Some(OTHER)), began, now), 0);
    assert_eq!(below.retries_under(unavailable(None), began, now), 1);
}

#[test]
fn the_most_that_was_tried_under_a_trace_is_told() {
    let (mut below, began) = scene(unavailable(Some(TRACE)));
    below.remember(unavailable(Some(TRACE)), 3, began + ms(150));
    below.remember(unavailable(Some(TRACE)), 2, began + ms(160));
    assert_eq!(below.retries_under(unavailable(Some(TRACE)), began, began + ms(200)), 3);
}

#[test]
fn a_call_that_was_not_tried_again_is_not_remembered() {
    let (mut below, began) = (Below::default(), Instant::now());
    below.remember(unavailable(None), 0, began);
    assert_eq!(below.retries_under(unavailable(None), began, began), 0);
}

#[test]
fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
    let (mut below, began) = scene(unavailable(Some(TRACE)));
    for _ in 0..MAX_REMEMBERED {
        below.remember(unavailable(Some(OTHER)), 1, began + ms(100));
    }
    assert_eq!(below.retries_under(unavailable(Some(TRACE)), began, began + ms(101)), 0);
    assert_eq!(below.retries_under(unavailable(Some(OTHER)), began, began + ms(101)), 1);
}
