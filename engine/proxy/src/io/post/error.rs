//! Why a call to the control plane failed, in one line with cause and remedy.

use super::deadline::Deadline;
use std::fmt;
use std::io;
use std::time::Duration;
use tulle_mesh::status::Code;

/// A call to the control plane that was not answered with OK.
#[derive(Debug)]
#[non_exhaustive]
pub enum PostError {
    /// No SVID has been set yet.
    NoIdentity,
    /// The request is over gRPC's usual bound.
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// The address is no "host:port", or its name is unknown.
    Resolve {
        /// The address as given.
        address: String,
        /// The system's answer.
        cause: io::Error,
    },
    /// None of the addresses takes a connection.
    Connect {
        /// The address as given.
        address: String,
        /// The system's answer for the last one.
        cause: io::Error,
    },
    /// One of the two sides does not take the other's certificate or protocol.
    Tls {
        /// The address as given.
        address: String,
        /// What is wrong.
        cause: String,
    },
    /// The time is over.
    Deadline {
        /// The address as given.
        address: String,
        /// What took it.
        phase: Phase,
        /// The time that was given.
        timeout: Duration,
    },
    /// The control plane answered with a status other than OK, or with none.
    Refused {
        /// The status.
        code: Code,
        /// Its message.
        message: String,
    },
    /// The answer is longer than any that an export can have.
    AnswerTooLong {
        /// The bound, in bytes.
        most: usize,
    },
    /// The connection ended before the answer did.
    Lost {
        /// The address as given.
        address: String,
        /// What became of it.
        cause: String,
    },
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A connection.
    Connecting,
    /// The end of the TLS handshake.
    Handshake,
    /// Room for the request.
    Sending,
    /// The answer.
    Answer,
}

// === impl PostError ===

impl PostError {
    pub(super) fn deadline(address: &str, phase: Phase, deadline: Deadline) -> Self {
        Self::Deadline { address: address.to_owned(), phase, timeout: deadline.timeout }
    }
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIdentity => f.write_str("this sidecar has no identity in force yet; join it with a token"),
            Self::TooLarge { bytes, most } => write!(f, "a request of {bytes} bytes is over the maximum of {most}"),
            Self::Resolve { address, cause } => {
                write!(f, "cannot resolve {address}: {cause}; give the control plane as host:port")
            }
            Self::Connect { address, cause } => {
                write!(f, "cannot connect to {address}: {cause}; check that the control plane runs there")
            }
            Self::Tls { address, cause } => write!(f, "tls with {address} was refused: {cause}"),
            Self::Deadline { address, phase, timeout } => {
                write!(f, "deadline of {timeout:?} passed while {} {address}", phase.doing())
            }
            Self::Refused { code, message } if message.is_empty() => {
                write!(f, "the control plane answered {code} ({})", code.number())
            }
            Self::Refused { code, message } => {
                write!(f, "the control plane answered {code} ({}): {message}", code.number())
            }
            Self::AnswerTooLong { most } => write!(f, "the control plane's answer is over {most} bytes"),
            Self::Lost { address, cause } => write!(f, "the connection to {address} was lost: {cause}"),
        }
    }
}

impl std::error::Error for PostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resolve { cause, .. } | Self::Connect { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

// === impl Phase ===

impl Phase {
    fn doing(self) -> &'static str {
        match self {
            Self::Connecting => "connecting to",
            Self::Handshake => "in the tls handshake with",
            Self::Sending => "sending the request to",
            Self::Answer => "waiting for the answer of",
        }
    }
}
