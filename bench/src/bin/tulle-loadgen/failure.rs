//! Why a call failed: a kind for the summary.

use std::fmt;

use tulle_http2::ErrorCode;

/// One cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    GrpcStatus(u32),
    NoGrpcStatus,
    HttpStatus(u32),
    Mismatch,
    MessagesMissing,
    Reset(ErrorCode),
    StreamError(ErrorCode),
    Refused,
    GoingAway,
    ConnectionLost,
    NotConnected,
    NotAnswered,
    NotStarted,
}

// === impl Failure ===

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GrpcStatus(status) => write!(f, "grpc-status {status}"),
            Self::NoGrpcStatus => f.write_str("no grpc-status"),
            Self::HttpStatus(status) => write!(f, "http status {status}"),
            Self::Mismatch => f.write_str("mismatch"),
            Self::MessagesMissing => f.write_str("messages missing"),
            Self::Reset(code) => write!(f, "reset {}", code.0),
            Self::StreamError(code) => write!(f, "stream error {}", code.0),
            Self::Refused => f.write_str("refused"),
            Self::GoingAway => f.write_str("going away"),
            Self::ConnectionLost => f.write_str("connection lost"),
            Self::NotConnected => f.write_str("not connected"),
            Self::NotAnswered => f.write_str("not answered"),
            Self::NotStarted => f.write_str("not started"),
        }
    }
}
