//! Who has to answer for an outcome: one table, which the code reads and the tests walk (design: semantics, "One outcome
//! for a call").
//!
//! Only [`Blame::Endpoint`] leaves an endpoint out: one poisonous request or one impatient caller must not take a
//! service from everybody.

use crate::outcome::Cause;
use crate::reason::Reason;
use crate::status::Code;
use Blame::{Caller, Endpoint, Mesh, Nobody, Service};

/// Who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// All is well, or it was meant to be so.
    Nobody,
    /// Whoever called: what it asked, its deadline, its cancel.
    Caller,
    /// The application as such: another instance would have said the same.
    Service,
    /// This instance.
    Endpoint,
    /// The mesh itself.
    Mesh,
}

/// The statuses by which a call failed; every other one but OK is the caller's.
pub const FAULTS: [Code; 6] =
    [Code::Unknown, Code::DeadlineExceeded, Code::Unimplemented, Code::Internal, Code::Unavailable, Code::DataLoss];

/// An answer that the application gave, by its status's number: OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT,
/// DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED,
/// OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED.
const ANSWER: [Blame; 17] = [
    Nobody, Caller, Service, Caller, Service, Caller, Caller, Caller, Caller, Caller, Caller, Caller, Service, Service,
    Endpoint, Service, Caller,
];

/// A stream that the other side broke off. CANCEL (1) is how a server ends what its caller no longer wants,
/// ENHANCE_YOUR_CALM (8) says that we do too much.
const BROKEN_OFF: [Blame; 17] = [
    Endpoint, Nobody, Endpoint, Endpoint, Endpoint, Endpoint, Endpoint, Endpoint, Caller, Endpoint, Endpoint, Endpoint,
    Endpoint, Endpoint, Endpoint, Endpoint, Endpoint,
];

/// What no proxy's reason explains: by cause and status.
pub const BY_CAUSE: [(Cause, [Blame; 17]); 14] = [
    (Cause::Trailers, ANSWER),
    (Cause::TrailersOnly, ANSWER),
    (Cause::Http, ANSWER),
    (Cause::Reset, BROKEN_OFF),
    (Cause::Malformed, [Service; 17]),
    (Cause::ConnectionLost, [Endpoint; 17]),
    (Cause::ConnectFailed, [Endpoint; 17]),
    // How a server stops, or holds back.
    (Cause::NotTaken, [Nobody; 17]),
    (Cause::Deadline, [Caller; 17]),
    (Cause::PerTry, [Endpoint; 17]),
    (Cause::Cap, [Service; 17]),
    (Cause::LocalFault, [Mesh; 17]),
    // Where it has no reason; else `BY_REASON`.
    (Cause::Local, [Mesh; 17]),
    (Cause::Caller, [Caller; 17]),
];

/// Statuses that a proxy made: by reason, whom this one blames and whom where the sidecar of the endpoint said so.
pub const BY_REASON: [(Reason, Blame, Blame); 14] = [
    (Reason::NoRoute, Caller, Caller),
    (Reason::UnknownService, Caller, Caller),
    (Reason::NoEndpoints, Service, Service),
    // Its sidecar does not reach its application: the instance is dead, whatever else lives.
    (Reason::ConnectFailed, Mesh, Endpoint),
    (Reason::QueueFull, Service, Service),
    (Reason::BreakerOpen, Service, Service),
    (Reason::RateLimited, Caller, Caller),
    (Reason::Deadline, Caller, Caller),
    (Reason::Denied, Caller, Caller),
    (Reason::FaultInjected, Nobody, Nobody),
    (Reason::HeaderLimit, Caller, Caller),
    // Theirs goes by its status, as a stream that broke off here would.
    (Reason::UpstreamReset, Mesh, Endpoint),
    (Reason::Draining, Mesh, Mesh),
    (Reason::Shed, Service, Service),
];

pub(crate) fn of_cause(cause: Cause, code: Code) -> Blame {
    BY_CAUSE[cause as usize].1[code as usize]
}

/// What this proxy itself decided.
pub(crate) fn of_own(reason: Reason) -> Blame {
    BY_REASON[reason as usize].1
}

/// What the sidecar of the endpoint decided.
pub(crate) fn of_theirs(reason: Reason) -> Blame {
    BY_REASON[reason as usize].2
}
