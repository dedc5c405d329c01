//! What a call or an attempt came to: the one classifier, used by retries, accrual, balancing, metrics and traces alike.

use crate::blame::{self, Blame};
use crate::reason::Reason;
use crate::status::Code;

/// What the outcome says about the endpoint (design: semantics, "One outcome for a call").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint answered, whatever it said.
    Success,
    /// The endpoint failed.
    Failure,
    /// It says nothing about the endpoint: the caller hung up, the proxy refused.
    Neutral,
}

/// How an outcome came about. The order is that of the rows in [`blame::BY_CAUSE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// `grpc-status` in trailers after response headers.
    Trailers,
    /// `grpc-status` in a trailers-only reply.
    TrailersOnly,
    /// The response's HTTP status, without a `grpc-status`.
    Http,
    /// RST_STREAM from upstream, or a stream that ended without a status.
    Reset,
    /// An answer that breaks a rule of HTTP/2 or a limit: it is the application's, and this request's alone.
    Malformed,
    /// The connection went away after the request (or a part of it) was sent.
    ConnectionLost,
    /// No connection could be made.
    ConnectFailed,
    /// REFUSED_STREAM, or a stream above a GOAWAY's last id.
    NotTaken,
    /// The deadline that the caller set.
    Deadline,
    /// The time that policy gives to one attempt.
    PerTry,
    /// The time that policy gives to the whole call, or to a stream that makes no progress.
    Cap,
    /// This proxy has no identity, no descriptor, no memory: nothing was sent.
    LocalFault,
    /// The proxy's own decision.
    Local,
    /// The caller reset the stream or went away.
    Caller,
}

/// Whether the server acted on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// It provably never saw it, and another endpoint may take it: always safe to send again.
    NotSeen,
    /// The endpoint's sidecar, whose identity is proven, kept it back: safe for any method, but load to be spared.
    Withheld,
    /// It may have acted.
    Possible,
}

/// What a call or an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The final status.
    pub code: Code,
    /// Set where a proxy made the status: this one, or the one at the other end, from its `tulle-reason`. An
    /// application's own `tulle-reason` is never put here: only an endpoint with a proven identity is believed.
    pub reason: Option<Reason>,
    /// How it came about.
    pub cause: Cause,
}

// === impl Outcome ===

impl Outcome {
    /// A final `grpc-status` in trailers; `reason` from the trailer `tulle-reason`.
    #[must_use]
    pub fn trailers(code: Code, reason: Option<Reason>) -> Self {
        Self { code, reason, cause: Cause::Trailers }
    }

    /// A trailers-only reply: END_STREAM on the response headers, with `grpc-status`.
    #[must_use]
    pub fn trailers_only(code: Code, reason: Option<Reason>) -> Self {
        Self { code, reason, cause: Cause::TrailersOnly }
    }

    /// A response without `grpc-status` (grpc/doc/http-grpc-status-mapping.md).
    #[must_use]
    pub fn http(status: u16) -> Self {
        let code = match status {
            400 => Code::Internal,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::Unimplemented,
            429 | 502 | 503 | 504 => Code::Unavailable,
            _ => Code::Unknown,
        };
        Self { code, reason: None, cause: Cause::Http }
    }

    /// RST_STREAM from upstream with this error code (grpc/doc/PROTOCOL-HTTP2.md, "HTTP2 Transport Mapping"): never a
    /// truncated OK.
    #[must_use]
    pub fn reset(error_code: u32) -> Self {
        let code = match error_code {
            0x7 => return Self::refused(),
            0x8 => Code::Cancelled,
            0xb => Code::ResourceExhausted,
            0xc => Code::PermissionDenied,
            _ => Code::Internal,
        };
        Self { code, reason: Some(Reason::UpstreamReset), cause: Cause::Reset }
    }

    /// The response ended without any status: the server broke off.
    #[must_use]
    pub fn missing_status() -> Self {
        Self { code: Code::Unknown, reason: Some(Reason::UpstreamReset), cause: Cause::Reset }
    }

    /// An answer that breaks a rule of HTTP/2 (RFC 9113, section 8.1.1): it is not passed on.
    #[must_use]
    pub fn malformed() -> Self {
        Self { code: Code::Internal, reason: Some(Reason::UpstreamReset), cause: Cause::Malformed }
    }

    /// An answer whose head or trailers are over a limit.
    #[must_use]
    pub fn answer_over_limit() -> Self {
        Self { code: Code::ResourceExhausted, reason: Some(Reason::HeaderLimit), cause: Cause::Malformed }
    }

    /// REFUSED_STREAM (RFC 9113, section 8.7), or a stream above a GOAWAY's last id (section 6.8).
    #[must_use]
    pub fn refused() -> Self {
        Self { code: Code::Unavailable, reason: Some(Reason::UpstreamReset), cause: Cause::NotTaken }
    }

    /// No connection could be made: refused, unreachable, timed out, handshake failed.
    #[must_use]
    pub fn connect_failed() -> Self {
        Self { code: Code::Unavailable, reason: Some(Reason::ConnectFailed), cause: Cause::ConnectFailed }
    }

    /// The connection was lost after the request or a part of it went out. No proof that nothing was executed.
    #[must_use]
    pub fn connection_lost() -> Self {
        Self { code: Code::Unavailable, reason: Some(Reason::UpstreamReset), cause: Cause::ConnectionLost }
    }

    /// The deadline that the caller set passed with an attempt in flight. (Before any: `local(Reason::Deadline)`.)
    #[must_use]
    pub fn deadline() -> Self {
        Self::out_of_time(Cause::Deadline)
    }

    /// The attempt's own time passed: the endpoint did not answer.
    #[must_use]
    pub fn per_try() -> Self {
        Self::out_of_time(Cause::PerTry)
    }

    /// A cap of policy's on the whole call passed, or a stream made no progress for too long.
    #[must_use]
    pub fn cap() -> Self {
        Self::out_of_time(Cause::Cap)
    }

    /// This proxy cannot make a connection for want of something of its own: an identity, a descriptor.
    #[must_use]
    pub fn local_fault() -> Self {
        Self { code: Code::Unavailable, reason: Some(Reason::ConnectFailed), cause: Cause::LocalFault }
    }

    /// The caller hung up.
    #[must_use]
    pub fn cancelled() -> Self {
        Self { code: Code::Cancelled, reason: None, cause: Cause::Caller }
    }

    /// The proxy's own decision, with the status that belongs to the reason.
    #[must_use]
    pub fn local(reason: Reason) -> Self {
        Self { code: Self::code_of(reason), reason: Some(reason), cause: Cause::Local }
    }

    /// The status of a reply that the proxy makes for `reason` (design: semantics).
    #[must_use]
    pub fn code_of(reason: Reason) -> Code {
        match reason {
            Reason::NoRoute => Code::Unimplemented,
            Reason::Denied => Code::PermissionDenied,
            Reason::Deadline => Code::DeadlineExceeded,
            Reason::QueueFull | Reason::RateLimited | Reason::HeaderLimit => Code::ResourceExhausted,
            Reason::UnknownService
            | Reason::NoEndpoints
            | Reason::ConnectFailed
            | Reason::BreakerOpen
            | Reason::FaultInjected
            | Reason::UpstreamReset
            | Reason::Draining
            | Reason::Shed => Code::Unavailable,
        }
    }

    /// Who has to answer for it.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match (self.cause, self.reason) {
            (Cause::Local, Some(reason)) => blame::of_own(reason),
            // What its sidecar says of a stream that broke is what we would have said in its place.
            (Cause::Trailers | Cause::TrailersOnly, Some(Reason::UpstreamReset)) => {
                blame::of_cause(Cause::Reset, self.code)
            }
            (Cause::Trailers | Cause::TrailersOnly, Some(reason)) => blame::of_theirs(reason),
            (cause, _) => blame::of_cause(cause, self.code),
        }
    }

    /// What accrual and load balancing make of it: an endpoint that is not to blame and answered for itself lives.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.blame() {
            Blame::Endpoint => Verdict::Failure,
            _ if self.is_own_answer() => Verdict::Success,
            _ => Verdict::Neutral,
        }
    }

    /// Whether the application itself ended the call, with whatever status.
    #[must_use]
    pub fn is_own_answer(&self) -> bool {
        matches!(self.cause, Cause::Trailers | Cause::TrailersOnly | Cause::Http) && self.reason.is_none()
    }

    /// Whether the call counts as a success in rates and traces. Other codes than these are the caller's.
    #[must_use]
    pub fn is_success(&self) -> bool {
        !blame::FAULTS.contains(&self.code)
    }

    /// Whether the server acted. Neither a trailers-only reply nor a lost connection proves that it did not: grpc-go and
    /// grpc-java send every error before the first message without headers. A proven sidecar's reason does.
    #[must_use]
    pub fn execution(&self) -> Execution {
        match (self.cause, self.reason) {
            (Cause::ConnectFailed | Cause::NotTaken | Cause::LocalFault, _) => Execution::NotSeen,
            (Cause::Trailers | Cause::TrailersOnly, Some(reason)) if self.code != Code::Ok => {
                Self::execution_told(reason)
            }
            _ => Execution::Possible,
        }
    }

    fn execution_told(reason: Reason) -> Execution {
        match reason {
            Reason::ConnectFailed | Reason::Draining => Execution::NotSeen,
            Reason::NoEndpoints | Reason::QueueFull | Reason::BreakerOpen | Reason::RateLimited | Reason::Shed => {
                Execution::Withheld
            }
            // What no other endpoint would answer differently, and what the application may have begun.
            Reason::NoRoute
            | Reason::UnknownService
            | Reason::Denied
            | Reason::FaultInjected
            | Reason::HeaderLimit
            | Reason::Deadline
            | Reason::UpstreamReset => Execution::Possible,
        }
    }

    fn out_of_time(cause: Cause) -> Self {
        Self { code: Code::DeadlineExceeded, reason: Some(Reason::Deadline), cause }
    }
}
