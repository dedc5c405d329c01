//! What a call or an attempt came to: the one classifier, used by retries, accrual, balancing, metrics and traces alike.

use crate::reason::Reason;
use crate::status::Code;

/// What the outcome says about the endpoint (design: semantics, "One outcome for a call").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint answered.
    Success,
    /// The endpoint failed.
    Failure,
    /// It says nothing about the endpoint: the caller hung up, the proxy refused.
    Neutral,
}

/// How an outcome came about.
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
    /// The connection went away after the request (or a part of it) was sent.
    ConnectionLost,
    /// No connection could be made.
    ConnectFailed,
    /// REFUSED_STREAM, or a stream above a GOAWAY's last id.
    NotTaken,
    /// The deadline of the call or of this attempt.
    Deadline,
    /// The proxy's own decision.
    Local,
    /// The caller reset the stream or went away.
    Caller,
}

/// Whether the server acted on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// It provably never saw it: always safe to send again.
    NotSeen,
    /// It said UNAVAILABLE itself in a trailers-only reply: as good as proof, for retries by policy.
    Declined,
    /// It may have acted.
    Possible,
}

/// What a call or an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The final status.
    pub code: Code,
    /// Set where a proxy made the status: this one, or the one at the other end (from its `tulle-reason`).
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

    /// REFUSED_STREAM, or a stream above a GOAWAY's last id (RFC 9113, sections 8.7 and 6.8).
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

    /// The call's deadline, or the attempt's, passed with an attempt in flight. (Before any: `local(Reason::Deadline)`.)
    #[must_use]
    pub fn deadline() -> Self {
        Self { code: Code::DeadlineExceeded, reason: Some(Reason::Deadline), cause: Cause::Deadline }
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
            Reason::NoEndpoints
            | Reason::ConnectFailed
            | Reason::BreakerOpen
            | Reason::FaultInjected
            | Reason::UpstreamReset
            | Reason::Draining
            | Reason::Shed => Code::Unavailable,
        }
    }

    /// What accrual and load balancing make of it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.cause {
            // A stream that was not taken is how a server stops or holds back: no failure.
            Cause::Local | Cause::Caller | Cause::NotTaken => Verdict::Neutral,
            Cause::ConnectFailed | Cause::ConnectionLost | Cause::Deadline => Verdict::Failure,
            Cause::Trailers | Cause::TrailersOnly | Cause::Http | Cause::Reset => self.verdict_of_code(),
        }
    }

    /// Whether the call counts as a success in rates: no failure, and not RESOURCE_EXHAUSTED.
    #[must_use]
    pub fn is_success(&self) -> bool {
        !self.is_failing_code() && self.code != Code::ResourceExhausted
    }

    /// Whether the server acted. Where the peer's proxy made the UNAVAILABLE, its reason tells more: after
    /// `upstream_reset` the application may have acted, at `connect_failed` and `draining` it never saw the call.
    #[must_use]
    pub fn execution(&self) -> Execution {
        match (self.cause, self.reason) {
            (Cause::ConnectFailed | Cause::NotTaken, _) => Execution::NotSeen,
            (Cause::TrailersOnly, reason) if self.code == Code::Unavailable => match reason {
                Some(Reason::ConnectFailed | Reason::Draining) => Execution::NotSeen,
                Some(Reason::UpstreamReset) => Execution::Possible,
                _ => Execution::Declined,
            },
            _ => Execution::Possible,
        }
    }

    fn verdict_of_code(&self) -> Verdict {
        match self.code {
            _ if self.is_failing_code() => Verdict::Failure,
            Code::ResourceExhausted => Verdict::Neutral,
            Code::Cancelled if self.cause == Cause::Reset => Verdict::Neutral,
            _ => Verdict::Success,
        }
    }

    fn is_failing_code(&self) -> bool {
        match self.code {
            Code::Unavailable | Code::Internal | Code::DataLoss | Code::DeadlineExceeded => true,
            Code::Unknown => matches!(self.cause, Cause::Reset | Cause::Http),
            _ => false,
        }
    }
}
