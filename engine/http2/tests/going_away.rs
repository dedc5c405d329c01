//! The ends of a connection: two phases of GOAWAY, streams the peer never saw, failures.

mod wire;

use tulle_http2::{Config, ErrorCode, OpenError, Role, Token};
use wire::{End, Seen, frame, open_request, pair, request, response, settle};

fn goaway(last: u32) -> Vec<u8> {
    frame(7, 0, 0, &[&last.to_be_bytes()[..], &[0; 4]].concat())
}

#[test]
fn a_graceful_end_has_two_phases_and_loses_no_call() {
    let (mut client, mut server) = pair();
    server.connection.announce_shutdown();
    let early = client.connection.open(Token(1), &request(), true).expect("the GOAWAY is not here yet");
    settle(&mut client, &mut server);
    assert_eq!(client.seen, [Seen::GoAway { last: 0x7fff_ffff, code: ErrorCode::NO_ERROR }]);
    assert!(client.connection.is_going_away());
    assert_eq!(client.connection.open(Token(2), &request(), true), Err(OpenError::GoingAway));
    assert_eq!(client.connection.capacity(), 0);
    server.connection.shutdown();
    server.connection.send_headers(early, &response(), true);
    settle(&mut client, &mut server);
    assert_eq!(client.seen[1], Seen::GoAway { last: 1, code: ErrorCode::NO_ERROR });
    assert!(matches!(client.seen[2], Seen::Headers { stream: 1, end: true, .. }));
}

#[test]
fn streams_above_the_peers_last_are_refused_in_order() {
    let mut client = End::greeted_client(Config::new(Role::Client));
    for token in 1..=4 {
        client.connection.open(Token(token), &request(), true).expect("room");
    }
    client.feed(&goaway(3));
    assert_eq!(
        client.seen,
        [
            Seen::GoAway { last: 3, code: ErrorCode::NO_ERROR },
            Seen::Refused { stream: 5, token: Token(3) },
            Seen::Refused { stream: 7, token: Token(4) },
        ]
    );
    assert_eq!(client.connection.active_streams(), 2);
}

#[test]
fn a_peers_last_stream_never_rises() {
    let mut client = End::greeted_client(Config::new(Role::Client));
    client.connection.open(Token(1), &request(), true).expect("room");
    client.feed(&goaway(1)).feed(&goaway(9));
    assert_eq!(client.seen[1], Seen::GoAway { last: 1, code: ErrorCode::NO_ERROR });
}

#[test]
fn requests_after_the_second_phase_are_ignored_with_the_table_in_step() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&open_request(1));
    server.connection.shutdown();
    server.take_output();
    server.seen.clear();
    let inserting = [&wire::request_block()[..], b"\x40\x01k\x01v"].concat();
    server.feed(&frame(1, 4, 3, &inserting)).feed(&frame(0, 1, 3, b"ignored"));
    assert_eq!((server.seen.len(), server.failed), (0, None));
    assert!(server.take_output().is_empty());
    server.feed(&frame(1, 5, 1, &[0xbe]));
    let Some(Seen::Headers { fields, .. }) = server.seen.last() else { panic!("{:?}", server.seen) };
    assert_eq!(fields[..], [("k".to_owned(), "v".to_owned())]);
}

#[test]
fn the_second_phase_is_said_once() {
    let mut server = End::greeted_server(Config::default());
    server.connection.announce_shutdown();
    server.connection.announce_shutdown();
    server.connection.shutdown();
    server.connection.shutdown();
    assert_eq!(server.take_frames().iter().filter(|f| f.kind == 7).count(), 2);
}

#[test]
fn a_clients_goaway_lets_its_calls_end() {
    let (mut client, mut server) = pair();
    let stream = client.connection.open(Token(1), &request(), true).expect("room");
    client.connection.shutdown();
    settle(&mut client, &mut server);
    server.connection.send_headers(stream, &response(), true);
    settle(&mut client, &mut server);
    assert!(matches!(client.seen.last(), Some(Seen::Headers { end: true, .. })));
    assert!(server.connection.is_going_away());
}

#[test]
fn a_failure_tells_the_last_stream_and_the_cause() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&open_request(1)).feed(&open_request(3)).feed(&frame(0, 0, 0, b"x"));
    let goaway = server.take_frames().pop().expect("a GOAWAY");
    assert_eq!(goaway.payload[..8], [0, 0, 0, 3, 0, 0, 0, 1]);
    assert_eq!(&goaway.payload[8..], b"DATA on stream 0");
}

#[test]
fn a_server_opens_no_streams() {
    let mut server = End::greeted_server(Config::default());
    assert_eq!(server.connection.capacity(), 0);
    assert!(server.connection.open(Token(1), &request(), true).is_err());
}

#[test]
fn the_first_settings_end_the_assumption_of_100_streams() {
    let mut client = End::client();
    assert_eq!((client.connection.peer_max_streams(), client.connection.settings_received()), (100, false));
    client.feed(&frame(4, 0, 0, &[]));
    assert_eq!((client.connection.peer_max_streams(), client.connection.settings_received()), (u32::MAX, true));
    client.feed(&frame(4, 0, 0, &[0, 3, 0, 0, 0, 7]));
    client.feed(&frame(4, 0, 0, &[]));
    assert_eq!(client.connection.capacity(), 7, "a later SETTINGS without it changes nothing");
}

#[test]
fn a_peers_goaway_is_remembered_with_its_text() {
    let mut client = End::greeted_client(Config::new(Role::Client));
    assert_eq!(client.connection.peer_goaway(), None);
    client.feed(&frame(7, 0, 0, b"\x7f\xff\xff\xff\0\0\0\x0btoo_many_pings"));
    let told = Some((ErrorCode::ENHANCE_YOUR_CALM, &b"too_many_pings"[..]));
    assert_eq!(client.connection.peer_goaway(), told);
    client.feed(&frame(7, 0, 0, b"\0\0\0\x01\0\0\0\x0b"));
    assert_eq!(client.connection.peer_goaway(), told, "the second phase has no text of its own");
    client.feed(&frame(7, 0, 0, &[&[0; 8][..], &[b'x'; 10_000]].concat()));
    let (code, text) = client.connection.peer_goaway().expect("a GOAWAY");
    assert_eq!((code, text.len()), (ErrorCode::NO_ERROR, 128));
}
