//! What waits for a peer that does not read is bounded, whatever it answers.

mod wire;

use std::time::Duration;

use tulle_http2::{Config, ErrorCode, PeerLimit, Role, Token};
use wire::{End, frame, open_request, request, response, trailers};

fn ended_by(end: &End) -> Option<PeerLimit> {
    end.failed.and_then(|error| error.limit)
}

/// Feeds `input` again and again to an end whose socket takes nothing, spread over time so that no rate is reached.
fn unread(end: &mut End, times: u32, mut input: impl FnMut(u32) -> Vec<u8>) {
    for round in 0..times {
        end.now += Duration::from_millis(100);
        end.connection.offer_output();
        end.feed(&input(round));
    }
}

#[test]
fn answers_to_pings_that_are_never_read_end_the_connection() {
    let mut end = End::greeted_server(Config::default());
    unread(&mut end, 1_100, |n| frame(6, 0, 0, &u64::from(n).to_be_bytes()));
    assert_eq!(ended_by(&end), Some(PeerLimit::Unread));
}

#[test]
fn refusals_that_are_never_read_end_the_connection() {
    let mut end = End::greeted_server(Config { max_concurrent_streams: 0, ..Config::default() });
    unread(&mut end, 1_100, |n| open_request(2 * n + 1));
    assert_eq!(ended_by(&end), Some(PeerLimit::Unread));
}

#[test]
fn replies_that_are_never_read_end_the_connection() {
    let mut end = End::greeted_server(Config::default());
    for n in 0..1_100 {
        end.connection.offer_output();
        end.feed(&frame(1, 5, 2 * n + 1, &wire::request_block()));
        let stream = end.last_stream();
        end.connection.send_headers(stream, &response(), true);
    }
    assert_eq!(ended_by(&end), Some(PeerLimit::Unread));
}

#[test]
fn a_burst_that_the_socket_was_not_offered_yet_is_honest() {
    let mut end = End::greeted_server(Config { max_concurrent_streams: 0, ..Config::default() });
    end.connection.offer_output();
    for n in 0..5_000 {
        end.feed(&open_request(2 * n + 1));
    }
    end.connection.offer_output();
    end.take_output();
    end.feed(&open_request(10_001));
    assert_eq!(ended_by(&end), None);
}

#[test]
fn nothing_more_is_wanted_of_a_peer_that_leaves_a_mebibyte_unread() {
    let mut end = End::greeted_server(Config::new(Role::Server));
    let mut large = response();
    large.push(b"x-large", &[b'v'; 15_000]);
    for n in 0..100 {
        assert_eq!(end.connection.wants_input(), end.connection.output().len() < 1 << 20);
        end.feed(&open_request(2 * n + 1));
        let stream = end.last_stream();
        end.connection.send_headers(stream, &large, false);
    }
    assert!(!end.connection.wants_input());
    end.take_output();
    assert!(end.connection.wants_input());
}

/// An application that pauses leaves our requests unread, and makes none of them.
#[test]
fn requests_that_a_server_leaves_unread_are_not_held_against_it() {
    let mut end = End::greeted_client(Config::new(Role::Client));
    for n in 0..1_100 {
        end.connection.open(Token(n), &request(), true).expect("room");
        end.connection.offer_output();
    }
    end.feed(&frame(8, 0, 0, &[0, 0, 0, 1]));
    assert_eq!(end.failed, None);
}

#[test]
fn what_a_client_says_of_its_own_accord_is_never_held_against_the_server() {
    let mut end = End::greeted_client(Config::new(Role::Client));
    for n in 0..1_100 {
        let stream = end.connection.open(Token(n), &request(), false).expect("room");
        end.connection.send_headers(stream, &trailers(), false);
        end.connection.reset(stream, ErrorCode::CANCEL);
        end.connection.ping([0; 8]);
        end.connection.offer_output();
    }
    end.feed(&frame(8, 0, 0, &[0, 0, 0, 1]));
    assert_eq!(end.failed, None);
}

#[test]
fn answers_that_a_server_calls_forth_and_never_reads_end_the_connection() {
    let mut end = End::greeted_client(Config::new(Role::Client));
    unread(&mut end, 1_100, |n| frame(6, 0, 0, &u64::from(n).to_be_bytes()));
    assert_eq!(ended_by(&end), Some(PeerLimit::Unread));
}

#[test]
fn resets_that_a_peers_errors_call_forth_and_that_it_never_reads_end_the_connection() {
    let mut end = End::greeted_server(Config::default());
    unread(&mut end, 1_100, |n| [open_request(2 * n + 1), frame(8, 0, 2 * n + 1, &[0; 4])].concat());
    assert_eq!(ended_by(&end), Some(PeerLimit::Unread));
}

/// Half a second at 5,000 calls a second, which only a client may leave that may have so many streams.
#[test]
fn replies_to_a_client_that_pauses_are_not_held_against_it() {
    let mut end = End::greeted_server(Config { max_concurrent_streams: 2_500, ..Config::default() });
    for n in 0..2_500 {
        end.feed(&open_request(2 * n + 1));
        let stream = end.last_stream();
        end.connection.send_headers(stream, &response(), false);
        end.connection.send_data(stream, b"reply", false);
        end.connection.send_headers(stream, &trailers(), true);
        end.connection.reset(stream, ErrorCode::NO_ERROR);
        end.connection.offer_output();
    }
    end.feed(&frame(8, 0, 0, &[0, 0, 0, 1]));
    assert_eq!(end.failed, None);
}
