//! One call in flight, and how it is judged.

use std::time::Instant;

use tulle_http2::{Fields, StreamId};

use crate::failure::Failure;
use crate::shape::Shape;

/// A call and how far its answer has come.
pub(crate) struct Call {
    pub(crate) stream: StreamId,
    pub(crate) intended: Instant,
    /// Messages sent so far, and where in the ring the next one lies.
    pub(crate) sent: u32,
    pub(crate) next: usize,
    /// Messages that came whole, where the one that is coming lies, and how much of it has come.
    pub(crate) received: u32,
    coming: usize,
    partial: usize,
    status: Option<u32>,
    http: u32,
}

// === impl Call ===

impl Call {
    pub(crate) fn new(stream: StreamId, intended: Instant, start: usize) -> Self {
        Self { stream, intended, sent: 0, next: start, received: 0, coming: start, partial: 0, status: None, http: 200 }
    }

    /// The next message to send, which counts as sent.
    pub(crate) fn send<'s>(&mut self, shape: &'s Shape) -> &'s [u8] {
        let message = shape.message(self.next);
        self.next = shape.after(self.next);
        self.sent += 1;
        message
    }

    /// Compares what came with what should.
    pub(crate) fn data(&mut self, mut payload: &[u8], shape: &Shape) -> Result<(), Failure> {
        while !payload.is_empty() {
            let from = self.coming + self.partial;
            let (part, rest) = payload.split_at(payload.len().min(shape.length() - self.partial));
            if self.received == shape.messages || shape.bytes(from..from + part.len()) != part {
                return Err(Failure::Mismatch);
            }
            payload = rest;
            self.partial += part.len();
            if self.partial == shape.length() {
                self.partial = 0;
                self.received += 1;
                self.coming = shape.answer_after(self.coming);
            }
        }
        Ok(())
    }

    pub(crate) fn fields(&mut self, fields: &Fields) {
        if let Some(status) = fields.get(b"grpc-status") {
            self.status = Some(number(status));
        }
        if let Some(status) = fields.get(b":status") {
            self.http = number(status);
        }
    }

    /// What it comes to once the answer has ended.
    pub(crate) fn verdict(&self, shape: &Shape) -> Result<(), Failure> {
        match self.status {
            None if self.http != 200 => Err(Failure::HttpStatus(self.http)),
            None => Err(Failure::NoGrpcStatus),
            Some(0) if self.received == shape.messages => Ok(()),
            Some(0) => Err(Failure::MessagesMissing),
            Some(status) => Err(Failure::GrpcStatus(status)),
        }
    }
}

/// Something else than digits counts as gRPC's UNKNOWN, 2.
fn number(text: &[u8]) -> u32 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}
