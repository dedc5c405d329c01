//! What waits for a peer that does not read is bounded, whatever it answers.

mod wire;

use std::time::Duration;

use tulle_http2::{Config, PeerLimit, Role};
use wire::{End, frame, open_request, response};

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
