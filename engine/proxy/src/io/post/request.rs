//! The request as it goes out (grpc/doc/PROTOCOL-HTTP2.md): a head, and one length-prefixed message.

use super::deadline::Deadline;
use super::error::PostError;
use std::time::Duration;
use tulle_http2::Fields;
use tulle_mesh::resilience::deadline::format_timeout;

/// gRPC's usual bound of a message; no export comes near it.
const MAX_MESSAGE: usize = 4 << 20;
const PREFIX: usize = 5;
const UNCOMPRESSED: u8 = 0;

/// A method and its message.
pub(super) struct Request<'r> {
    method: &'r str,
    message: &'r [u8],
}

// === impl Request ===

impl<'r> Request<'r> {
    pub(super) fn new(method: &'r str, message: &'r [u8]) -> Result<Self, PostError> {
        if message.len() > MAX_MESSAGE {
            return Err(PostError::TooLarge { bytes: message.len(), most: MAX_MESSAGE });
        }
        Ok(Self { method, message })
    }

    pub(super) fn write_head(&self, authority: &str, deadline: Deadline, fields: &mut Fields) {
        let timeout = format_timeout(deadline.left().unwrap_or(Duration::ZERO));
        fields.clear();
        fields.push(b":method", b"POST");
        fields.push(b":scheme", b"https");
        fields.push(b":path", self.method.as_bytes());
        fields.push(b":authority", authority.as_bytes());
        fields.push(b"te", b"trailers");
        fields.push(b"content-type", b"application/grpc");
        fields.push(b"grpc-timeout", timeout.as_bytes());
    }

    pub(super) fn framed(&self) -> Vec<u8> {
        let mut framed = Vec::with_capacity(PREFIX + self.message.len());
        framed.push(UNCOMPRESSED);
        framed.extend((self.message.len() as u32).to_be_bytes());
        framed.extend(self.message);
        framed
    }
}
