//! Every frame that breaks the protocol, with the error RFC 9113 names for it.

mod wire;

use tulle_http2::{Config, ErrorCode, Role, Token};
use wire::{End, Seen, block, frame, open_request, pair, request, request_block, response, settle};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Feeds a greeted server with stream 1 open; gives the connection error and the GOAWAY's code, which must agree.
fn connection_error(input: &[u8]) -> Option<(ErrorCode, &'static str)> {
    let mut server = End::greeted_server(Config::default());
    server.feed(&open_request(1)).feed(input);
    let frames = server.take_frames();
    let goaway = frames.iter().find(|f| f.kind == 7).map(|f| f.payload[4..8].to_vec());
    assert_eq!(goaway, server.failed.map(|error| error.code.0.to_be_bytes().to_vec()));
    server.failed.map(|error| (error.code, error.cause))
}

/// The same for a stream error: the event's code and the RST_STREAM's, which must agree.
fn stream_error(input: &[u8]) -> Option<(u32, ErrorCode, &'static str)> {
    let mut server = End::greeted_server(Config::default());
    server.feed(&open_request(1)).feed(input);
    assert_eq!(server.failed, None);
    let reset = server.take_frames().into_iter().rev().find(|f| f.kind == 3);
    let last = server.seen.iter().rev().find_map(|seen| match seen {
        Seen::StreamError { stream, code, cause, .. } => Some((*stream, *code, *cause)),
        _ => None,
    });
    let told = last.map(|(stream, code, _)| (stream, code.0.to_be_bytes().to_vec()));
    assert_eq!(reset.map(|f| (f.stream, f.payload)), told);
    last
}

#[test]
fn what_is_no_preface_is_refused_at_its_first_wrong_byte() {
    let mut server = End::server();
    server.feed(b"GET / HTTP/1.1\r\n");
    assert_eq!(server.failed.map(|error| error.cause), Some("no HTTP/2 preface"));
}

#[test]
fn the_first_frame_must_be_settings_for_both_roles() {
    for (mut end, input) in [
        (End::server(), [PREFACE, &frame(6, 0, 0, &[0; 8])].concat()),
        (End::server(), [PREFACE, &frame(4, 1, 0, &[])].concat()),
        (End::client(), frame(6, 0, 0, &[0; 8])),
    ] {
        end.feed(&input);
        assert_eq!(end.failed.map(|error| error.code), Some(ErrorCode::PROTOCOL_ERROR));
    }
}

#[test]
fn frames_on_the_wrong_kind_of_stream_end_the_connection() {
    for (input, cause) in [
        (frame(0, 0, 0, b"x"), "DATA on stream 0"),
        (frame(1, 4, 0, &request_block()), "HEADERS on stream 0"),
        (frame(2, 0, 0, &[0; 5]), "PRIORITY on stream 0"),
        (frame(3, 0, 0, &[0; 4]), "RST_STREAM on an idle stream"),
        (frame(4, 0, 1, &[]), "SETTINGS on a stream"),
        (frame(6, 0, 1, &[0; 8]), "PING on a stream"),
        (frame(7, 0, 1, &[0; 8]), "GOAWAY on a stream"),
        (frame(9, 4, 1, &[]), "CONTINUATION without HEADERS"),
        (frame(5, 4, 1, &[0; 8]), "PUSH_PROMISE, which is switched off"),
        (frame(0, 0, 3, b"x"), "DATA on an idle stream"),
        (frame(3, 0, 3, &[0; 4]), "RST_STREAM on an idle stream"),
        (frame(8, 0, 3, &[0, 0, 0, 1]), "WINDOW_UPDATE on an idle stream"),
        (frame(1, 4, 2, &request_block()), "HEADERS on a stream that may not be opened"),
    ] {
        let got = connection_error(&input);
        assert!(matches!(got, Some((ErrorCode::PROTOCOL_ERROR, _))), "{cause}: {got:?}");
    }
}

#[test]
fn frames_of_a_wrong_size_end_the_connection() {
    for input in [
        frame(3, 0, 1, &[0; 3]),
        frame(4, 0, 0, &[0; 5]),
        frame(4, 1, 0, &[0; 6]),
        frame(6, 0, 0, &[0; 7]),
        frame(7, 0, 0, &[0; 7]),
        frame(8, 0, 1, &[0; 5]),
        frame(0, 8, 1, &[]),
        frame(1, 4 | 8, 3, &[]),
        frame(1, 4 | 0x20, 3, &[0; 4]),
        frame(0, 0, 1, &[0; 16_385]),
        frame(2, 0, 5, &[0; 4]),
    ] {
        let got = connection_error(&input);
        assert!(matches!(got, Some((ErrorCode::FRAME_SIZE_ERROR, _))), "{:?}: {got:?}", &input[..9]);
    }
}

#[test]
fn a_priority_of_a_wrong_size_resets_its_stream_alone() {
    assert_eq!(
        stream_error(&frame(2, 0, 1, &[0; 4])).map(|(stream, code, _)| (stream, code)),
        Some((1, ErrorCode::FRAME_SIZE_ERROR))
    );
}

#[test]
fn padding_as_long_as_its_frame_ends_the_connection() {
    for input in [frame(0, 8, 1, &[4, 0, 0, 0]), frame(1, 4 | 8, 3, &[9, 0, 0])] {
        assert!(matches!(connection_error(&input), Some((ErrorCode::PROTOCOL_ERROR, _))));
    }
}

#[test]
fn settings_out_of_range_end_the_connection() {
    let setting = |id: u8, value: u32| frame(4, 0, 0, &[&[0, id][..], &value.to_be_bytes()].concat());
    let code = |input: &[u8]| connection_error(input).map(|(code, _)| code);
    assert_eq!(code(&setting(2, 2)), Some(ErrorCode::PROTOCOL_ERROR));
    assert_eq!(code(&setting(4, 1 << 31)), Some(ErrorCode::FLOW_CONTROL_ERROR));
    assert_eq!(code(&setting(5, 16_383)), Some(ErrorCode::PROTOCOL_ERROR));
    assert_eq!(code(&setting(5, 1 << 24)), Some(ErrorCode::PROTOCOL_ERROR));
    for (id, value) in [(1, u32::MAX), (2, 1), (3, 0), (4, 0), (5, 16_384), (6, 1), (8, 1), (99, 7)] {
        assert_eq!(code(&setting(id, value)), None, "setting {id} = {value}");
    }
}

#[test]
fn a_server_may_not_announce_push() {
    let mut client = End::client();
    client.feed(&frame(4, 0, 0, &[0, 2, 0, 0, 0, 1]));
    assert_eq!(client.failed.map(|error| error.code), Some(ErrorCode::PROTOCOL_ERROR));
}

#[test]
fn window_updates_of_nothing_and_of_too_much_are_errors() {
    let most = 0x7fff_ffffu32.to_be_bytes();
    assert!(matches!(connection_error(&frame(8, 0, 0, &[0; 4])), Some((ErrorCode::PROTOCOL_ERROR, _))));
    assert!(matches!(connection_error(&frame(8, 0, 0, &most)), Some((ErrorCode::FLOW_CONTROL_ERROR, _))));
    assert!(matches!(stream_error(&frame(8, 0, 1, &[0; 4])), Some((1, ErrorCode::PROTOCOL_ERROR, _))));
    assert!(matches!(stream_error(&frame(8, 0, 1, &most)), Some((1, ErrorCode::FLOW_CONTROL_ERROR, _))));
}

#[test]
fn settings_that_make_a_window_overflow_end_the_connection() {
    let grow = frame(8, 0, 1, &(0x7fff_ffffu32 - 65_535).to_be_bytes());
    let input = [grow, frame(4, 0, 0, &[0, 4, 0, 2, 0, 0])].concat();
    assert!(matches!(connection_error(&input), Some((ErrorCode::FLOW_CONTROL_ERROR, _))));
}

#[test]
fn a_header_block_may_not_be_interrupted() {
    let begun = frame(1, 0, 3, &request_block());
    for other in [frame(6, 0, 0, &[0; 8]), frame(9, 4, 5, &[]), frame(0, 0, 1, b"x"), frame(77, 0, 0, &[])] {
        let got = connection_error(&[begun.clone(), other].concat());
        assert_eq!(got, Some((ErrorCode::PROTOCOL_ERROR, "header block interrupted")));
    }
}

#[test]
fn frames_after_the_end_of_a_stream_are_stream_closed() {
    for late in [frame(0, 0, 3, b"x"), frame(1, 5, 3, &block(&[("x-late", "1")]))] {
        let ended = frame(1, 5, 3, &request_block());
        let got = stream_error(&[ended, late].concat());
        assert!(matches!(got, Some((3, ErrorCode::STREAM_CLOSED, _))), "{got:?}");
    }
    for late in [frame(0, 0, 1, b"x"), open_request(1)] {
        let got = stream_error(&[frame(3, 0, 1, &[0, 0, 0, 8]), late].concat());
        assert!(matches!(got, Some((1, ErrorCode::STREAM_CLOSED, _))), "{got:?}");
    }
}

/// A greeted server that has answered stream 1 to its end.
fn answered() -> End {
    let mut server = End::greeted_server(Config::default());
    server.feed(&frame(1, 5, 1, &request_block()));
    let stream = server.last_stream();
    server.connection.send_headers(stream, &response(), true);
    server.take_output();
    server.seen.clear();
    server
}

#[test]
fn a_second_request_on_a_stream_that_both_sides_ended_ends_the_connection() {
    let mut server = answered();
    server.feed(&frame(1, 5, 1, &request_block()));
    assert_eq!(server.failed.map(|error| error.code), Some(ErrorCode::STREAM_CLOSED));
    assert_eq!(server.take_frames().last().map(|f| (f.kind, f.payload[4..8].to_vec())), Some((7, vec![0, 0, 0, 5])));
}

#[test]
fn data_on_such_a_stream_is_a_stream_error() {
    let mut server = answered();
    server.feed(&frame(0, 0, 1, b"x"));
    assert_eq!(server.failed, None);
    assert!(matches!(server.seen[..], [Seen::StreamError { stream: 1, code: ErrorCode::STREAM_CLOSED, .. }]));
}

#[test]
fn a_request_on_a_stream_that_we_have_reset_is_let_pass() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&frame(1, 5, 1, &request_block()));
    let stream = server.last_stream();
    server.connection.reset(stream, ErrorCode::CANCEL);
    server.take_output();
    server.seen.clear();
    server.feed(&frame(1, 5, 1, &request_block())).feed(&frame(0, 0, 1, b"x"));
    assert_eq!((server.failed, server.seen.len(), server.take_frames().len()), (None, 0, 0));
}

#[test]
fn a_server_that_answers_twice_costs_itself_a_stream_error_and_the_other_calls_nothing() {
    let mut client = End::greeted_client(Config::new(Role::Client));
    client.connection.open(Token(1), &request(), true).expect("room");
    client.connection.open(Token(2), &request(), true).expect("room");
    client.feed(&frame(1, 5, 1, &[0x88])).feed(&frame(1, 5, 1, &[0x88]));
    assert!(matches!(client.seen.last(), Some(Seen::StreamError { stream: 1, code: ErrorCode::STREAM_CLOSED, .. })));
    client.feed(&frame(1, 5, 3, &[0x88]));
    assert!(matches!(client.seen.last(), Some(Seen::Headers { stream: 3, end: true, .. })));
}

#[test]
fn stream_identifiers_only_rise() {
    let got = connection_error(&[open_request(9), open_request(5)].concat());
    assert!(matches!(got, Some((ErrorCode::PROTOCOL_ERROR, _))), "{got:?}");
}

#[test]
fn what_breaks_hpack_ends_the_connection_even_on_a_reset_stream() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&open_request(1)).feed(&frame(3, 0, 1, &[0, 0, 0, 8])).feed(&frame(1, 5, 1, &[0xbf]));
    assert_eq!(server.failed.map(|error| error.code), Some(ErrorCode::COMPRESSION_ERROR));
}

#[test]
fn frames_of_unknown_types_are_ignored() {
    assert_eq!(connection_error(&[frame(0x33, 0xff, 1, &[1; 50]), frame(0xfe, 0, 0, &[])].concat()), None);
}

#[test]
fn an_error_is_given_again_on_every_later_call() {
    let mut server = End::greeted_server(Config::default());
    server.feed(&frame(0, 0, 0, b"x"));
    let first = server.failed.take();
    server.feed(&frame(6, 0, 0, &[0; 8]));
    assert!(first.is_some());
    assert_eq!(server.failed, first);
    assert_eq!(server.take_frames().iter().filter(|f| f.kind == 7).count(), 1);
}

#[test]
fn streams_over_the_limit_are_refused_and_the_others_go_on() {
    let (mut client, mut server) = (End::client(), End::new(Config { max_concurrent_streams: 2, ..Config::default() }));
    for token in 0..3 {
        client.connection.open(Token(token), &request(), true).expect("100 are assumed");
    }
    settle(&mut client, &mut server);
    assert!(client.seen.contains(&Seen::Refused { stream: 5, token: Token(2) }));
    assert_eq!(server.connection.active_streams(), 2);
    assert_eq!(client.connection.peer_max_streams(), 2);
    assert_eq!(client.connection.capacity(), 0);
    assert!(client.connection.open(Token(9), &request(), true).is_err());
}

#[test]
fn a_response_needs_a_stream_that_was_opened() {
    let mut client = End::greeted_client(Config::new(Role::Client));
    client.feed(&frame(1, 5, 1, &[0x88]));
    assert_eq!(client.failed.map(|error| error.code), Some(ErrorCode::PROTOCOL_ERROR));
}

#[test]
fn data_before_a_response_head_resets_the_stream() {
    let (mut client, _) = pair();
    client.connection.open(Token(4), &request(), true).expect("room");
    client.feed(&frame(0, 0, 1, b"x"));
    assert!(matches!(client.seen[..], [Seen::StreamError { token: Token(4), code: ErrorCode::PROTOCOL_ERROR, .. }]));
}

#[test]
fn the_other_streams_of_a_connection_outlive_a_stream_error() {
    let (mut client, mut server) = pair();
    let one = client.connection.open(Token(1), &request(), false).expect("room");
    let two = client.connection.open(Token(2), &request(), false).expect("room");
    settle(&mut client, &mut server);
    server.feed(&frame(8, 0, one.get(), &[0; 4]));
    server.connection.send_headers(two, &response(), true);
    settle(&mut client, &mut server);
    assert!(client.seen.contains(&Seen::Reset { stream: 1, token: Token(1), code: ErrorCode::PROTOCOL_ERROR }));
    assert!(matches!(client.seen.last(), Some(Seen::Headers { stream: 3, .. })));
}
