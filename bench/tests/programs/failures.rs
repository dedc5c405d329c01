//! What is wrong is counted as failed, under its kind.

use crate::bad_server::{Fault, serve};
use crate::running::{Counted, load};

/// Ten calls at a rate, so that the number of failures is known.
fn ten_calls(fault: Fault) -> Counted {
    load(&serve(fault), "--payload 100 --connections 1 --streams 10 --seconds 0.2 --rate 50")
}

#[test]
fn a_wrong_byte_is_a_mismatch() {
    ten_calls(Fault::WrongByte).assert_failed("mismatch", 10);
}

#[test]
fn a_byte_more_is_a_mismatch() {
    ten_calls(Fault::ByteMore).assert_failed("mismatch", 10);
}

#[test]
fn a_message_that_does_not_come_is_missing() {
    ten_calls(Fault::NoMessage).assert_failed("messages missing", 10);
}

#[test]
fn answers_that_change_places_between_calls_are_mismatches() {
    ten_calls(Fault::Crossed).assert_failed("mismatch", 10);
}

#[test]
fn messages_that_change_places_on_a_stream_are_mismatches() {
    let shape = "--kind flood --messages 2 --payload 100 --connections 1 --streams 10 --seconds 0.2 --rate 50";
    load(&serve(Fault::Swapped), shape).assert_failed("mismatch", 10);
}

#[test]
fn a_stream_that_ends_before_all_messages_has_them_missing() {
    let shape = "--kind server-stream --messages 2 --payload 100 --connections 1 --streams 10 --seconds 0.2 --rate 50";
    load(&serve(Fault::Status(0)), shape).assert_failed("messages missing", 10);
}

#[test]
fn a_grpc_status_is_told_by_its_number() {
    ten_calls(Fault::Status(8)).assert_failed("grpc-status 8", 10);
}

#[test]
fn a_missing_grpc_status_is_told() {
    ten_calls(Fault::NoStatus).assert_failed("no grpc-status", 10);
}

#[test]
fn an_http_status_without_grpc_is_told_by_its_number() {
    ten_calls(Fault::HttpStatus(503)).assert_failed("http status 503", 10);
}

#[test]
fn a_reset_is_told_by_its_code() {
    ten_calls(Fault::Reset(2)).assert_failed("reset 2", 10);
}

#[test]
fn a_stream_that_was_never_processed_is_refused() {
    ten_calls(Fault::Reset(7)).assert_failed("refused", 10);
}

#[test]
fn calls_of_a_dropped_connection_are_lost_in_a_closed_loop() {
    let shape = "--payload 100 --connections 2 --streams 1 --seconds 5";
    load(&serve(Fault::Drops), shape).assert_failed("connection lost", 2);
}

#[test]
fn every_call_that_was_due_is_lost_with_the_last_connection() {
    ten_calls(Fault::Drops).assert_failed("connection lost", 10);
}

#[test]
fn calls_of_a_half_closed_connection_are_lost() {
    ten_calls(Fault::HalfCloses).assert_failed("connection lost", 10);
}
