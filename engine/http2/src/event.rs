//! What a connection tells its caller, in wire order.

use crate::{ErrorCode, Exceeded};

/// A stream's identifier, 1 to 2^31-1; 0 stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(crate) u32);

/// The caller's own handle of a stream, given back in each of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u32);

/// The place of a field section in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeadersKind {
    /// A request's head; its stream is new.
    Request,
    /// A response's final head.
    Response,
    /// A 1xx response.
    Informational,
    /// A trailer section.
    Trailers,
}

/// One thing that happened. Field sections are in the `Fields` given to `receive`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// A valid field section arrived.
    Headers {
        /// Its stream.
        stream: StreamId,
        /// The caller's handle; [`Token::NONE`] for a new request.
        token: Token,
        /// Which section it is.
        kind: HeadersKind,
        /// Whether the peer has ended its side.
        end_stream: bool,
    },
    /// A field section over a limit. The stream is open still: a server answers, a client resets. The `Fields` hold what
    /// the section had of `grpc-status` and `grpc-message`, the latter cut at 1 024 bytes where it came past the limit.
    HeadersRefused {
        /// Its stream, new where it would have been a request.
        stream: StreamId,
        /// The caller's handle.
        token: Token,
        /// What was exceeded, and by how much.
        limit: Exceeded,
        /// Whether the peer has ended its side.
        end_stream: bool,
    },
    /// Part of a DATA frame's payload, padding stripped; empty where only the end arrived.
    Data {
        /// Its stream.
        stream: StreamId,
        /// The caller's handle.
        token: Token,
        /// The bytes, borrowed from the input; to be given to `release()` by their number once they are taken.
        payload: &'i [u8],
        /// Whether the peer has ended its side.
        end_stream: bool,
    },
    /// The peer reset the stream; it is closed.
    Reset {
        /// The stream that was.
        stream: StreamId,
        /// The caller's handle.
        token: Token,
        /// The peer's reason.
        code: ErrorCode,
    },
    /// We found a stream error; RST_STREAM is queued and the stream closed. Where a field section broke a rule,
    /// [`crate::Connection::fault`] names the field, and the `Fields` hold the section.
    StreamError {
        /// The stream that was.
        stream: StreamId,
        /// The caller's handle; [`Token::NONE`] where the request was never passed on.
        token: Token,
        /// The code the peer is told.
        code: ErrorCode,
        /// What the peer did.
        cause: &'static str,
    },
    /// The peer never processed the stream: above its GOAWAY's last, or reset with REFUSED_STREAM.
    Refused {
        /// The stream that was.
        stream: StreamId,
        /// The caller's handle.
        token: Token,
    },
    /// The peer goes away. `Refused` events of its unprocessed streams follow.
    GoAway {
        /// The last stream it may have processed.
        last: StreamId,
        /// Its reason.
        code: ErrorCode,
    },
    /// Our PING came back.
    Pong {
        /// What we sent.
        payload: [u8; 8],
    },
    /// The peer's SETTINGS arrived and are in force; their ACK is queued.
    Settings,
}

// === impl StreamId ===

impl StreamId {
    /// The number on the wire.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

// === impl Token ===

impl Token {
    /// No handle.
    pub const NONE: Self = Self(u32::MAX);
}
