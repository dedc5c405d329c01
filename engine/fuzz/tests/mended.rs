//! Faults that a fuzzer found and that are mended, by the property that showed each.

use std::time::Instant;

use tulle_fuzz::sniff;
use tulle_http2::{Config, Connection, Event, Fields, Role};

/// A POST that tells one byte of content on stream 1, then two bytes of it in one frame.
const TOO_LONG: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
    \0\0\x07\x01\x04\0\0\0\x01\x83\x86\x84\x0f\x0d\x011\0\0\x02\0\x01\0\0\0\x01ab";

fn data_events(pieces: usize) -> usize {
    let mut codec = Connection::new(Config::new(Role::Server));
    let (mut fields, mut count) = (Fields::new(), 0);
    for mut input in TOO_LONG.chunks(pieces) {
        while let Some(event) = codec.receive(Instant::now(), &mut input, &mut fields).expect("no connection error") {
            count += usize::from(matches!(event, Event::Data { .. }));
        }
    }
    count
}

#[test]
fn data_over_its_content_length_is_refused_wherever_it_was_cut() {
    assert_eq!(data_events(TOO_LONG.len()), data_events(1));
}

#[test]
fn a_refused_peer_is_told_the_same_wherever_its_bytes_were_cut() {
    for first in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x16\x00\x03"] {
        assert_eq!(sniff::in_pieces(first, first.len()), sniff::in_pieces(first, 1), "{}", first.escape_ascii());
    }
}
