//! Header blocks and the frames around them, by a script's choice: mostly good ones, so that more than errors is seen.

use tulle_http2::Role;

use crate::hand::{self, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, PADDED, WITH_PRIORITY};
use crate::script::Script;

type List = &'static [(&'static [u8], &'static [u8])];

const POST: List = &[(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/t.Echo/Unary"), (b"te", b"trailers")];
const GET: List = &[(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b"content-length", b"10")];
const CONNECT: List = &[(b":method", b"CONNECT"), (b":authority", b"a:1")];
const BAD: List = &[(b":method", b"POST"), (b"Upper", b"x"), (b":path", b"late")];
const HEAD: List = &[(b":method", b"HEAD"), (b":scheme", b"http"), (b":path", b"/x")];
const OK: List = &[(b":status", b"200"), (b"content-type", b"application/grpc")];
const SHORT: List = &[(b":status", b"200"), (b"content-length", b"1000")];
const EARLY: List = &[(b":status", b"103"), (b"link", b"x")];
const NONE: List = &[(b":status", b"204")];
const TRAILERS: List = &[(b"grpc-status", b"0"), (b"x-bin", b"\xff")];
const LONG: List = &[(b":status", b"200"), (b"x-long", &[b'l'; 400])];

/// A header block of the peer of an end of this role.
pub(crate) fn block(script: &mut Script<'_>, role: Role) -> Vec<u8> {
    let choice = script.byte() % 10;
    if choice == 9 {
        return script.chunk(200).to_vec();
    }
    let list = match (role, choice) {
        (Role::Server, 0..=3) => POST,
        (Role::Server, 4) => GET,
        (Role::Server, 5) => CONNECT,
        (Role::Server, 6) => HEAD,
        (Role::Client, 0..=2) => OK,
        (Role::Client, 3) => SHORT,
        (Role::Client, 4) => EARLY,
        (Role::Client, 5) => NONE,
        (Role::Client, 6) => LONG,
        (_, 7) => BAD,
        _ => TRAILERS,
    };
    let mut block = hand::block(list);
    if script.one_in(5) {
        // The first literal enters the table: what comes later may name it.
        block[0] = 0x40;
    }
    block
}

/// A block as HEADERS, perhaps padded, with priority, or going on in CONTINUATION.
pub(crate) fn frames_of_block(script: &mut Script<'_>, stream: u32, block: &[u8]) -> Vec<Frame> {
    let how = script.byte();
    let mut flags = if how & 1 == 0 { 0 } else { END_STREAM };
    let mut parts = vec![block];
    if how & 6 == 6 {
        parts = block.chunks(block.len().div_ceil(3).max(1)).collect();
    }
    let mut payload = Vec::new();
    if how & 24 == 24 {
        flags |= PADDED | WITH_PRIORITY;
        payload.extend([3, 0, 0, 0, 0, 16]);
    }
    payload.extend_from_slice(parts.first().copied().unwrap_or_default());
    payload.extend(if flags & PADDED == 0 { &[][..] } else { &[0; 3] });
    let mut frames = vec![Frame::new(HEADERS, flags, stream, &payload)];
    frames.extend(parts.iter().skip(1).map(|part| Frame::new(CONTINUATION, 0, stream, part)));
    if let Some(last) = frames.last_mut().filter(|_| how & 224 != 224) {
        last.flags |= END_HEADERS;
    }
    frames
}

/// A DATA frame, perhaps padded, perhaps the last.
pub(crate) fn data(script: &mut Script<'_>, stream: u32, payload: &[u8]) -> Frame {
    let how = script.byte();
    let end = if how & 3 == 1 { END_STREAM } else { 0 };
    if how & 12 != 12 {
        return Frame::new(DATA, end, stream, payload);
    }
    let padding = usize::from(how >> 4) * 17;
    let room = 16_384 - 1 - padding;
    let padded = [&[padding as u8], &payload[..payload.len().min(room)], &vec![0; padding]].concat();
    Frame::new(DATA, end | PADDED, stream, &padded)
}

/// What a server says.
pub(crate) fn answer(script: &mut Script<'_>) -> List {
    script.pick(&[OK, TRAILERS, EARLY, LONG])
}

/// What a client asks.
pub(crate) fn question(script: &mut Script<'_>) -> List {
    script.pick(&[POST, HEAD, GET])
}
