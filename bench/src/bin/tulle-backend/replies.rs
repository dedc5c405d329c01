//! The field sections of answers, made once.

use tulle_http2::{Connection, Fields, StreamId};

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok = 0,
    InvalidArgument = 3,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
}

pub(crate) struct Replies {
    pub(crate) head: Fields,
    trailers: Fields,
    /// The field section that came last.
    pub(crate) scratch: Fields,
}

// === impl Replies ===

impl Replies {
    pub(crate) fn new() -> Self {
        let (mut head, mut trailers) = (Fields::new(), Fields::new());
        head.push(b":status", b"200");
        head.push(b"content-type", b"application/grpc");
        trailers.push(b"grpc-status", b"0");
        Self { head, trailers, scratch: Fields::new() }
    }

    /// A whole answer of one message.
    pub(crate) fn answer(&self, http2: &mut Connection, stream: StreamId, message: &[u8]) {
        http2.send_headers(stream, &self.head, false);
        http2.send_data(stream, message, false);
        http2.send_headers(stream, &self.trailers, true);
    }

    /// The end of an answer whose head was sent, or all of it.
    pub(crate) fn end(&self, http2: &mut Connection, stream: StreamId, status: Status, has_head: bool) {
        if has_head && status == Status::Ok {
            return http2.send_headers(stream, &self.trailers, true);
        }
        let mut fields = if has_head { Fields::new() } else { self.head.clone() };
        fields.push(b"grpc-status", (status as u32).to_string().as_bytes());
        http2.send_headers(stream, &fields, true);
    }
}
