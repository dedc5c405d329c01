//! What is sent: the head of every call, and the messages in a ring.

use std::ops::Range;

use tulle_bench::messages::prefix;
use tulle_http2::Fields;

use crate::plan::Kind;

/// Most messages that differ; a prime, so that neither streams nor connections fall into step with them.
const MOST_VARIANTS: usize = 13;
/// Bytes that they take together, about: they must not fill a cache.
const RING: usize = 128 * 1024;

/// The calls that are made again and again.
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) head: Fields,
    /// Messages each way; of a server stream only those that come.
    pub(crate) messages: u32,
    /// Messages with their prefixes, one behind the other; a call begins at any of them and goes round.
    ring: Vec<u8>,
    length: usize,
}

// === impl Shape ===

impl Shape {
    pub(crate) fn new(kind: Kind, authority: &str, payload: usize, messages: u32) -> Self {
        let length = prefix(payload).len() + payload;
        let variants = (RING / length).clamp(2, MOST_VARIANTS);
        let mut ring = Vec::with_capacity(variants * length);
        for variant in 0..variants as u32 {
            ring.extend_from_slice(&prefix(payload));
            ring.extend((0..payload as u32).map(|n| pattern(n, variant)));
        }
        Self { kind, head: head(kind, authority, messages), messages, ring, length }
    }

    /// Where the message of a call's number lies in the ring.
    pub(crate) fn start(&self, number: usize) -> usize {
        number % (self.ring.len() / self.length) * self.length
    }

    /// The message that begins at `start`.
    pub(crate) fn message(&self, start: usize) -> &[u8] {
        &self.ring[start..start + self.length]
    }

    /// Bytes of a message with its prefix.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Where the message that is sent after the one at `start` lies.
    pub(crate) fn after(&self, start: usize) -> usize {
        if start + self.length == self.ring.len() { 0 } else { start + self.length }
    }

    /// Where the message that comes back after the one at `start` lies: a server stream says the same again.
    pub(crate) fn answer_after(&self, start: usize) -> usize {
        if self.kind == Kind::ServerStream { start } else { self.after(start) }
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.ring[range]
    }
}

/// Without a short period, and another at each place of another variant: a lost, doubled or swapped piece shows.
fn pattern(n: u32, variant: u32) -> u8 {
    (n.wrapping_mul(2_654_435_761) >> 24) as u8 ^ (variant.wrapping_mul(0x9d) + 1) as u8
}

fn head(kind: Kind, authority: &str, messages: u32) -> Fields {
    let mut head = Fields::new();
    head.push(b":method", b"POST");
    head.push(b":scheme", b"http");
    head.push(b":path", kind.path());
    head.push(b":authority", authority.as_bytes());
    head.push(b"te", b"trailers");
    head.push(b"content-type", b"application/grpc");
    head.push(b"user-agent", b"tulle-loadgen");
    if kind == Kind::ServerStream {
        head.push(b"bench-messages", messages.to_string().as_bytes());
    }
    head
}
