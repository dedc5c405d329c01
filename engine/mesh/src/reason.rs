//! Why the proxy made a status itself: the closed list.

use std::fmt;

/// The value of the `tulle-reason` trailer (`REASONS` in `protos/names.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// No rule of the service's routes takes the call.
    NoRoute,
    /// The mesh knows no service of that name.
    UnknownService,
    /// The cluster has no endpoint.
    NoEndpoints,
    /// No connection could be made.
    ConnectFailed,
    /// The queue before a connection is full.
    QueueFull,
    /// A circuit breaker is open: every endpoint's, or a limit of the service's.
    BreakerOpen,
    /// A rate limit refused the call.
    RateLimited,
    /// The deadline passed.
    Deadline,
    /// Authorization refused the call.
    Denied,
    /// A fault injected by policy.
    FaultInjected,
    /// Header list over its limit.
    HeaderLimit,
    /// The upstream reset the stream or the connection was lost.
    UpstreamReset,
    /// The proxy is stopping.
    Draining,
    /// Shed under overload.
    Shed,
}

/// Every reason, in the order of `protos/names.py`.
pub const REASONS: [Reason; 14] = [
    Reason::NoRoute,
    Reason::UnknownService,
    Reason::NoEndpoints,
    Reason::ConnectFailed,
    Reason::QueueFull,
    Reason::BreakerOpen,
    Reason::RateLimited,
    Reason::Deadline,
    Reason::Denied,
    Reason::FaultInjected,
    Reason::HeaderLimit,
    Reason::UpstreamReset,
    Reason::Draining,
    Reason::Shed,
];

impl Reason {
    /// The text on the wire and in labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::UnknownService => "unknown_service",
            Self::NoEndpoints => "no_endpoints",
            Self::ConnectFailed => "connect_failed",
            Self::QueueFull => "queue_full",
            Self::BreakerOpen => "breaker_open",
            Self::RateLimited => "rate_limited",
            Self::Deadline => "deadline",
            Self::Denied => "denied",
            Self::FaultInjected => "fault_injected",
            Self::HeaderLimit => "header_limit",
            Self::UpstreamReset => "upstream_reset",
            Self::Draining => "draining",
            Self::Shed => "shed",
        }
    }

    /// The reason that a `tulle-reason` trailer carries, if it is one of the list.
    #[must_use]
    pub fn from_header(value: &[u8]) -> Option<Self> {
        REASONS.into_iter().find(|reason| reason.as_str().as_bytes() == value)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
