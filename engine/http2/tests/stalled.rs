//! Streams on which nothing moves are found; those that move a little are not.

mod wire;

use tulle_http2::{Config, Role, StreamId, Token, Waits};
use wire::{End, frame, request};

const LOOKS: u8 = 4;

/// A client whose stream has more to send than the server's window takes.
fn stuck() -> (End, StreamId) {
    let mut end = End::greeted_client(Config::new(Role::Client));
    let stream = end.connection.open(Token(1), &request(), false).expect("room");
    end.connection.send_data(stream, &[1; 70_000], false);
    end.take_output();
    (end, stream)
}

fn looks(end: &mut End, times: u8) -> Vec<Waits> {
    (0..times).flat_map(|_| end.connection.look_for_stalled(LOOKS)).map(|found| found.waits).collect()
}

#[test]
fn data_that_finds_no_window_for_four_looks_is_stalled() {
    let (mut end, _) = stuck();
    assert_eq!(looks(&mut end, LOOKS), []);
    assert_eq!(looks(&mut end, 1), [Waits::ForWindow]);
}

#[test]
fn a_byte_of_window_now_and_then_is_progress() {
    let (mut end, _) = stuck();
    for _ in 0..20 {
        end.feed(&frame(8, 0, 0, &[0, 0, 0, 1])).feed(&frame(8, 0, 1, &[0, 0, 0, 1]));
        end.connection.pump();
        end.take_output();
        assert_eq!(looks(&mut end, 3), []);
    }
}

#[test]
fn what_the_peer_sends_does_not_excuse_what_it_leaves() {
    let (mut end, _) = stuck();
    end.feed(&frame(1, 4, 1, b"\x88"));
    let mut found = Vec::new();
    for _ in 0..=LOOKS {
        end.feed(&frame(0, 0, 1, b"more"));
        found.extend(looks(&mut end, 1));
    }
    assert_eq!(found, [Waits::ForWindow]);
}

#[test]
fn a_silent_peer_is_told_apart_from_one_that_has_ended() {
    let mut end = End::greeted_client(Config::new(Role::Client));
    end.connection.open(Token(1), &request(), true).expect("room");
    assert_eq!(looks(&mut end, LOOKS + 1), [Waits::ForData]);
    end.feed(&frame(1, 5, 1, b"\x88"));
    assert_eq!(looks(&mut end, LOOKS + 1), []);
}
