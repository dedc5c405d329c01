//! Priorities are ignored (RFC 9113 §5.3.2), but a stream that depends on itself is an error still (RFC 7540 §5.3.1).

mod wire;

use tulle_http2::{Config, ErrorCode};
use wire::{End, Seen, frame, open_request, request_block};

const PRIORITY: u8 = 0x20;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The five bytes of a priority, a weight behind the stream.
fn on(parent: u32) -> Vec<u8> {
    [&parent.to_be_bytes()[..], &[15]].concat()
}

fn exclusively_on(parent: u32) -> Vec<u8> {
    on(parent | 1 << 31)
}

fn prioritised(stream: u32, flags: u8, priority: &[u8]) -> Vec<u8> {
    frame(1, flags | PRIORITY, stream, &[priority, &request_block()].concat())
}

fn fed(input: &[u8]) -> End {
    let mut server = End::greeted_server(Config::default());
    server.feed(input);
    server
}

fn stream_error(server: &End) -> Option<(u32, ErrorCode)> {
    server.seen.iter().find_map(|seen| match seen {
        Seen::StreamError { stream, code, .. } => Some((*stream, *code)),
        _ => None,
    })
}

#[test]
fn a_request_that_depends_on_itself_is_reset() {
    for priority in [on(1), exclusively_on(1)] {
        let mut server = fed(&prioritised(1, END_HEADERS | END_STREAM, &priority));
        assert_eq!((server.failed, stream_error(&server)), (None, Some((1, ErrorCode::PROTOCOL_ERROR))));
        let reset = server.take_frames().pop().map(|f| (f.kind, f.stream, f.payload));
        assert_eq!(reset, Some((3, 1, vec![0, 0, 0, 1])));
    }
}

#[test]
fn so_is_one_whose_block_goes_on() {
    let server = fed(&[prioritised(1, END_STREAM, &on(1)), frame(9, END_HEADERS, 1, b"")].concat());
    assert_eq!((server.failed, stream_error(&server)), (None, Some((1, ErrorCode::PROTOCOL_ERROR))));
}

#[test]
fn a_priority_of_a_stream_on_itself_resets_it() {
    let server = fed(&[open_request(1), frame(2, 0, 1, &on(1))].concat());
    assert_eq!((server.failed, stream_error(&server)), (None, Some((1, ErrorCode::PROTOCOL_ERROR))));
}

/// RFC 9113 §6.4: RST_STREAM must not be sent on an idle stream, so there is only the connection to end.
#[test]
fn a_priority_of_an_idle_stream_on_itself_ends_the_connection() {
    let server = fed(&frame(2, 0, 1, &on(1)));
    assert_eq!(server.failed.map(|error| error.code), Some(ErrorCode::PROTOCOL_ERROR));
}

#[test]
fn the_table_stays_in_step_behind_a_refused_request() {
    let named = [&request_block()[..], b"\x40\x03x-a\x01b"].concat();
    let refused = frame(1, END_HEADERS | END_STREAM | PRIORITY, 1, &[on(1), named].concat());
    let by_reference = frame(1, END_HEADERS | END_STREAM, 3, &[&request_block()[..], b"\xbe"].concat());
    let server = fed(&[refused, by_reference].concat());
    let Some(Seen::Headers { stream: 3, fields, .. }) = server.seen.last() else { panic!("{:?}", server.seen) };
    assert!(fields.contains(&("x-a".into(), "b".into())));
}

#[test]
fn any_other_dependency_is_ignored() {
    for parent in [0, 3, 77] {
        let server = fed(&[prioritised(1, END_HEADERS, &on(parent)), frame(2, 0, 1, &exclusively_on(parent))].concat());
        assert_eq!((server.failed, stream_error(&server)), (None, None));
    }
}

#[test]
fn a_late_priority_of_a_stream_that_is_gone_is_ignored() {
    let gone = [open_request(1), frame(3, 0, 1, &[0, 0, 0, 8])].concat();
    let server = fed(&[gone, frame(2, 0, 1, &on(1))].concat());
    assert_eq!((server.failed, stream_error(&server)), (None, None));
}
