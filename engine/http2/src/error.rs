//! Error codes of RFC 9113 §7 and what may go wrong with a connection.

use std::fmt;

use crate::PeerLimit;

/// An error code of RFC 9113 §7. Unknown codes keep their number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u32);

/// The connection cannot go on; a GOAWAY with `code` is already in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionError {
    /// The code the peer is told.
    pub code: ErrorCode,
    /// What the peer did, lower case.
    pub cause: &'static str,
    /// The limit it went over, where it was one.
    pub limit: Option<PeerLimit>,
}

/// Why [`crate::Connection::open`] gave no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The peer's SETTINGS_MAX_CONCURRENT_STREAMS is reached.
    StreamLimit,
    /// One side has sent GOAWAY, or the connection failed.
    GoingAway,
    /// All 2^30 client stream identifiers are used.
    IdsExhausted,
}

// === impl ErrorCode ===

impl ErrorCode {
    /// Graceful end.
    pub const NO_ERROR: Self = Self(0x0);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(0x1);
    /// This end failed.
    pub const INTERNAL_ERROR: Self = Self(0x2);
    /// The peer sent more than its window.
    pub const FLOW_CONTROL_ERROR: Self = Self(0x3);
    /// SETTINGS were not acknowledged in time.
    pub const SETTINGS_TIMEOUT: Self = Self(0x4);
    /// A frame for a stream already half-closed.
    pub const STREAM_CLOSED: Self = Self(0x5);
    /// A frame of a wrong size.
    pub const FRAME_SIZE_ERROR: Self = Self(0x6);
    /// The stream was never processed.
    pub const REFUSED_STREAM: Self = Self(0x7);
    /// The stream is no longer wanted.
    pub const CANCEL: Self = Self(0x8);
    /// The field compression context is lost.
    pub const COMPRESSION_ERROR: Self = Self(0x9);
    /// A CONNECT tunnel failed.
    pub const CONNECT_ERROR: Self = Self(0xa);
    /// The peer is too busy for our taste.
    pub const ENHANCE_YOUR_CALM: Self = Self(0xb);
    /// The transport is not secure enough.
    pub const INADEQUATE_SECURITY: Self = Self(0xc);
    /// The peer wants HTTP/1.1.
    pub const HTTP_1_1_REQUIRED: Self = Self(0xd);

    /// The name RFC 9113 gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.names().0
    }

    /// The same in lower case, as the label of a counter.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        const NAMES: [(&str, &str); 14] = [
            ("NO_ERROR", "no_error"),
            ("PROTOCOL_ERROR", "protocol_error"),
            ("INTERNAL_ERROR", "internal_error"),
            ("FLOW_CONTROL_ERROR", "flow_control_error"),
            ("SETTINGS_TIMEOUT", "settings_timeout"),
            ("STREAM_CLOSED", "stream_closed"),
            ("FRAME_SIZE_ERROR", "frame_size_error"),
            ("REFUSED_STREAM", "refused_stream"),
            ("CANCEL", "cancel"),
            ("COMPRESSION_ERROR", "compression_error"),
            ("CONNECT_ERROR", "connect_error"),
            ("ENHANCE_YOUR_CALM", "enhance_your_calm"),
            ("INADEQUATE_SECURITY", "inadequate_security"),
            ("HTTP_1_1_REQUIRED", "http_1_1_required"),
        ];
        NAMES.get(self.0 as usize).copied().unwrap_or(("UNKNOWN", "unknown"))
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:#x})", self.name(), self.0)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl ConnectionError ===

impl ConnectionError {
    pub(crate) const fn new(code: ErrorCode, cause: &'static str) -> Self {
        Self { code, cause, limit: None }
    }

    pub(crate) const fn protocol(cause: &'static str) -> Self {
        Self::new(ErrorCode::PROTOCOL_ERROR, cause)
    }

    pub(crate) const fn frame_size(cause: &'static str) -> Self {
        Self::new(ErrorCode::FRAME_SIZE_ERROR, cause)
    }

    pub(crate) const fn calm(limit: PeerLimit, cause: &'static str) -> Self {
        Self { code: ErrorCode::ENHANCE_YOUR_CALM, cause, limit: Some(limit) }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http/2 connection error {}: {}", self.code, self.cause)
    }
}

impl std::error::Error for ConnectionError {}

// === impl OpenError ===

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StreamLimit => "the peer's limit of concurrent streams is reached",
            Self::GoingAway => "the connection is going away",
            Self::IdsExhausted => "no stream identifier is left on this connection",
        })
    }
}

impl std::error::Error for OpenError {}
