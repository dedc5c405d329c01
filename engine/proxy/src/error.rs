//! Why the engine refuses a verb: one small type per cause, each line with the cause and the remedy.

use std::fmt;
use std::io;

/// A refusal by one of [`Engine`](crate::Engine)'s verbs; what was in force before stays in force.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// A field of `EngineConfig` is wrong.
    InvalidConfig(InvalidConfig),
    /// A snapshot was refused whole.
    InvalidSnapshot {
        /// The resource at fault, for example `cluster:shop/payments`.
        resource: String,
        /// What is wrong with it and what would be right.
        detail: String,
    },
    /// A certificate chain or bundle does not fit the key, the SPIFFE rules or one another.
    InvalidIdentity(String),
    /// An address cannot be bound.
    ListenFailed(ListenFailed),
    /// The system refused a thread or a poller.
    System(io::Error),
    /// `start` was called a second time.
    AlreadyStarted,
}

/// A field of `EngineConfig` whose value cannot be used.
#[derive(Debug)]
pub struct InvalidConfig {
    /// The field's name in `engine.proto`.
    pub field: &'static str,
    /// What is wrong with the value and what would be right.
    pub detail: String,
}

/// A listener's address that the system would not give.
#[derive(Debug)]
pub struct ListenFailed {
    /// The field's name in `engine.proto`.
    pub field: &'static str,
    /// The address as configured.
    pub address: String,
    /// The system's answer.
    pub cause: io::Error,
}

// === impl EngineError ===

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig(cause) => cause.fmt(f),
            Self::InvalidSnapshot { resource, detail } => write!(f, "snapshot refused: {resource}: {detail}"),
            Self::InvalidIdentity(detail) => f.write_str(detail),
            Self::ListenFailed(cause) => cause.fmt(f),
            Self::System(cause) => write!(f, "the system refused a thread or a poller: {cause}"),
            Self::AlreadyStarted => f.write_str("the engine has been started already; make a new one to start again"),
        }
    }
}

impl std::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::ListenFailed(cause) => Some(&cause.cause),
            Self::System(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<InvalidConfig> for EngineError {
    fn from(cause: InvalidConfig) -> Self {
        Self::InvalidConfig(cause)
    }
}

impl From<ListenFailed> for EngineError {
    fn from(cause: ListenFailed) -> Self {
        Self::ListenFailed(cause)
    }
}

// === impl InvalidConfig ===

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EngineConfig.{}: {}", self.field, self.detail)
    }
}

impl std::error::Error for InvalidConfig {}

// === impl ListenFailed ===

impl fmt::Display for ListenFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, address, cause } = self;
        write!(f, "EngineConfig.{field}: cannot listen on {address}: {cause}; {}", remedy(cause.kind()))
    }
}

impl std::error::Error for ListenFailed {}

fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => "stop the process that holds the port, or use port 0 for any free one",
        io::ErrorKind::AddrNotAvailable => "use an address of this machine",
        io::ErrorKind::PermissionDenied => "use a port above 1023",
        _ => "check the address",
    }
}
