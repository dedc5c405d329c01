//! What a call is and how it is judged.

use hdrhistogram::Histogram;
use std::time::{Duration, Instant};
use tulle_http2::Fields;

/// Latencies above a minute count as a minute.
const LONGEST_NS: u64 = 60_000_000_000;

/// The call that is made again and again.
pub(crate) struct Shape {
    pub(crate) head: Fields,
    /// The gRPC message with its five-byte prefix.
    pub(crate) message: Vec<u8>,
}

/// One call in flight.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    pub(crate) intended: Instant,
    received: usize,
    whole: bool,
    ok: bool,
}

/// What became of the calls.
pub(crate) struct Tally {
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    latencies: Histogram<u64>,
}

// === impl Shape ===

impl Shape {
    pub(crate) fn new(authority: &str, path: &str, payload: usize) -> Self {
        let mut head = Fields::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "tulle-loadgen"),
        ] {
            head.push(name.as_bytes(), value.as_bytes());
        }
        let mut message = vec![0];
        message.extend_from_slice(&(payload as u32).to_be_bytes());
        // A pattern without a short period: a lost, doubled or swapped piece shows.
        message.extend((0..payload as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8));
        Self { head, message }
    }
}

// === impl Call ===

impl Call {
    pub(crate) fn new(intended: Instant) -> Self {
        Self { intended, received: 0, whole: true, ok: false }
    }

    pub(crate) fn data(&mut self, payload: &[u8], shape: &Shape) {
        let end = self.received + payload.len();
        self.whole &= shape.message.get(self.received..end) == Some(payload);
        self.received = end;
    }

    pub(crate) fn status(&mut self, status: Option<&[u8]>) {
        self.ok |= status == Some(b"0");
    }

    pub(crate) fn is_good(&self, shape: &Shape) -> bool {
        self.ok && self.whole && self.received == shape.message.len()
    }
}

// === impl Tally ===

impl Default for Tally {
    fn default() -> Self {
        let latencies = Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("the bounds are in order");
        Self { ok: 0, failed: 0, latencies }
    }
}

impl Tally {
    pub(crate) fn count(&mut self, good: bool, latency: Duration) {
        if good {
            self.ok += 1;
            self.latencies.saturating_record(latency.as_nanos() as u64);
        } else {
            self.failed += 1;
        }
    }

    pub(crate) fn summary(&self, seconds: f64) -> serde_json::Value {
        let at = |quantile: f64| self.latencies.value_at_quantile(quantile) as f64 / 1000.0;
        serde_json::json!({
            "ok": self.ok, "failed": self.failed, "seconds": seconds,
            "p50_us": at(0.5), "p99_us": at(0.99), "p999_us": at(0.999),
        })
    }
}
