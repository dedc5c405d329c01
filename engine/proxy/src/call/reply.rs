//! What the proxy itself says to a caller: always a trailers-only reply, the status from the one table in `tulle_mesh`.

use super::answer::REASON_TRAILER;
use tulle_http2::{Exceeded, Fields};
use tulle_mesh::outcome::Outcome;
use tulle_mesh::reason::Reason;

/// Longest message; header lists are bounded on every hop.
const MAX_MESSAGE: usize = 1024;
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A call that is refused or broken off by the proxy: what it came to, and why in words.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) outcome: Outcome,
    pub(crate) message: String,
}

/// Whether response headers have gone to the caller, so that only trailers are left to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    Unsent,
    Sent,
}

// === impl Refusal ===

impl Refusal {
    pub(crate) fn local(reason: Reason, message: impl Into<String>) -> Self {
        Self { outcome: Outcome::local(reason), message: message.into() }
    }

    pub(crate) fn header_limit(limit: Exceeded) -> Self {
        Self::local(Reason::HeaderLimit, format!("the request has headers of {limit}"))
    }

    /// Fills `fields` with what ends the call.
    pub(crate) fn write(&self, head: Head, fields: &mut Fields) {
        fields.clear();
        if head == Head::Unsent {
            fields.push(b":status", b"200");
            fields.push(b"content-type", b"application/grpc");
        }
        fields.push(b"grpc-status", self.outcome.code.as_header().as_bytes());
        fields.push(b"grpc-message", &percent_encoded(self.message.as_bytes()));
        if let Some(reason) = self.outcome.reason {
            fields.push(REASON_TRAILER, reason.as_str().as_bytes());
        }
    }
}

/// As gRPC's HTTP/2 mapping has it: all but printable ASCII, and the percent sign, as %XX.
fn percent_encoded(message: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(message.len() + 16);
    for byte in message.iter().take(MAX_MESSAGE) {
        match byte {
            b' '..=b'~' if *byte != b'%' => encoded.push(*byte),
            _ => encoded.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_trailers_only_and_names_its_reason() {
        let mut fields = Fields::new();
        Refusal::local(Reason::Denied, "100 % nö\n").write(Head::Unsent, &mut fields);
        let all: Vec<_> = fields.iter().map(|field| (field.name, field.value)).collect();
        let wanted: [(&[u8], &[u8]); 5] = [
            (b":status", b"200"),
            (b"content-type", b"application/grpc"),
            (b"grpc-status", b"7"),
            (b"grpc-message", b"100 %25 n%C3%B6%0A"),
            (b"tulle-reason", b"denied"),
        ];
        assert_eq!(all, wanted);
    }
}
