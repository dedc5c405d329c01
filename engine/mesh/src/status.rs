//! gRPC status codes.

use std::fmt;

/// A gRPC status code (grpc/doc/statuscodes.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Code {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// Every code, at its own number.
pub const CODES: [Code; 17] = [
    Code::Ok,
    Code::Cancelled,
    Code::Unknown,
    Code::InvalidArgument,
    Code::DeadlineExceeded,
    Code::NotFound,
    Code::AlreadyExists,
    Code::PermissionDenied,
    Code::ResourceExhausted,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::OutOfRange,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
    Code::Unauthenticated,
];

/// A set of codes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeSet(u32);

// === impl Code ===

impl Code {
    /// The code with this number, if it is one of gRPC's.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        CODES.get(usize::try_from(number).ok()?).copied()
    }

    /// The value of a `grpc-status` field: ASCII decimal. What is no known code is UNKNOWN, as gRPC's libraries read it.
    #[must_use]
    pub fn from_header(value: &[u8]) -> Self {
        let digits = match value {
            [a @ b'0'..=b'9'] => u32::from(a - b'0'),
            [a @ b'0'..=b'9', b @ b'0'..=b'9'] => u32::from(a - b'0') * 10 + u32::from(b - b'0'),
            _ => return Self::Unknown,
        };
        Self::from_number(digits).unwrap_or(Self::Unknown)
    }

    /// The code's number.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The value of a `grpc-status` field.
    #[must_use]
    pub fn as_header(self) -> &'static str {
        const TEXT: [&str; 17] =
            ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"];
        TEXT[self as usize]
    }

    /// The code's name: `UNAVAILABLE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 17] = [
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED",
        ];
        NAMES[self as usize]
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl CodeSet ===

impl CodeSet {
    /// No code.
    pub const NONE: Self = Self(0);

    /// The set of these codes.
    #[must_use]
    pub fn of(codes: &[Code]) -> Self {
        Self(codes.iter().fold(0, |bits, code| bits | 1 << code.number()))
    }

    /// Whether `code` is in the set.
    #[must_use]
    pub fn contains(self, code: Code) -> bool {
        self.0 & (1 << code.number()) != 0
    }
}
