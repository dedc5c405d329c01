//! Answers that are not passed on because they break a rule of HTTP/2 or a limit: that call alone ends, and its caller is
//! told what was wrong, whose it was, and what the application itself had answered.

use super::Failure;
use crate::worker::Worker;
use crate::worker::names::StreamRef;
use std::fmt::Write;
use tulle_http2::{Exceeded, Fields};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::status::Code;

impl Worker {
    /// A response head or trailers over a limit: RESOURCE_EXHAUSTED, on that stream alone.
    pub(crate) fn on_response_over_limit(&mut self, key: u32, limit: Exceeded) {
        let section = self.section_of(key);
        let did = match own_status(&self.fields) {
            Some(code) => format!("answered {} with {section} of {limit}", code.name()),
            None => format!("answered with {section} of {limit}"),
        };
        let message = self.upstream_words(key, &did);
        self.end_call_by_proxy(key, Outcome::answer_over_limit(), &message);
    }

    /// The upstream broke a rule of HTTP/2 on the stream, which we have reset.
    pub(crate) fn on_upstream_malformed(&mut self, key: u32, up: StreamRef, cause: &str) {
        let fault = self.connections.get(up.connection).and_then(|connection| connection.http2.fault(up.stream));
        let mut did = match fault {
            Some(fault) => format!("sent malformed {}: {fault}", self.section_of(key)),
            None => format!("broke HTTP/2 on the stream: {cause}"),
        };
        if let Some(code) = own_status(&self.fields).filter(|_| fault.is_some()) {
            let _ = write!(did, "; its own status was {}", code.name());
        }
        let message = self.upstream_words(key, &did);
        self.attempt_failed(key, Failure::new(Outcome::malformed(), message));
    }

    /// Which section comes next of the answer.
    fn section_of(&self, key: u32) -> &'static str {
        let attempt = self.calls.get(key).and_then(|call| call.attempt.as_ref());
        let is_answered = attempt.is_some_and(|attempt| attempt.answered.is_some());
        // A head that carries the status is trailers alone, in gRPC's words.
        if is_answered || self.fields.get(b"grpc-status").is_some() { "trailers" } else { "response headers" }
    }
}

/// What the application itself said of its call.
fn own_status(fields: &Fields) -> Option<Code> {
    fields.get(b"grpc-status").map(Code::from_header)
}
