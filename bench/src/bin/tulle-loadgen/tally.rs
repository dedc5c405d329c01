//! What became of the calls.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::failure::Failure;

/// Latencies above ten minutes count as that.
const LONGEST_NS: u64 = 600_000_000_000;

/// The counts of one run.
pub(crate) struct Tally {
    ok: u64,
    failed: u64,
    /// Good calls of a closed loop that came back after its end.
    late: u64,
    messages: u64,
    latencies: Histogram<u64>,
    failures: BTreeMap<String, u64>,
    by_connection: Vec<u64>,
    /// A closed loop's end: calls that come back after it do not count.
    until: Option<Instant>,
    cpu_before: Duration,
    cpu: Duration,
}

// === impl Tally ===

impl Tally {
    /// CPU time counts from here on.
    pub(crate) fn new(connections: usize, until: Option<Instant>) -> Self {
        Self {
            ok: 0,
            failed: 0,
            late: 0,
            messages: 0,
            latencies: Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("the bounds are in order"),
            failures: BTreeMap::new(),
            by_connection: vec![0; connections],
            until,
            cpu_before: tulle_bench::process::cpu_time(),
            cpu: Duration::ZERO,
        }
    }

    /// A call of `connection` came back as it should, with so many messages.
    pub(crate) fn succeed(&mut self, connection: usize, messages: u32, intended: Instant, now: Instant) {
        if self.until.is_some_and(|until| now > until) {
            self.late += 1;
            return;
        }
        self.ok += 1;
        self.messages += u64::from(messages);
        self.by_connection[connection] += 1;
        self.latencies.saturating_record(now.saturating_duration_since(intended).as_nanos() as u64);
    }

    pub(crate) fn fail(&mut self, cause: Failure, calls: u64) {
        if calls > 0 {
            self.failed += calls;
            *self.failures.entry(cause.to_string()).or_default() += calls;
        }
    }

    /// Whether all that happened was that no connection could be had.
    pub(crate) fn never_connected(&self) -> bool {
        self.ok == 0 && self.failures.keys().all(|kind| *kind == Failure::NotConnected.to_string())
    }

    /// The load is over: what the process does from here on is not for calls.
    pub(crate) fn close(mut self) -> Self {
        self.cpu = tulle_bench::process::cpu_time() - self.cpu_before;
        self
    }

    pub(crate) fn summary(&self, seconds: f64) -> Value {
        let at = |quantile: f64| self.latencies.value_at_quantile(quantile) as f64 / 1000.0;
        let (least, most) = (self.by_connection.iter().min(), self.by_connection.iter().max());
        json!({
            "ok": self.ok, "failed": self.failed, "late": self.late, "messages": self.messages, "seconds": seconds,
            "p50_us": at(0.5), "p90_us": at(0.9), "p99_us": at(0.99), "p999_us": at(0.999),
            "max_us": self.latencies.max() as f64 / 1000.0,
            "cpu_us_a_call": self.cpu.as_secs_f64() * 1e6 / self.ok.max(1) as f64,
            "by_connection": {"least": least, "most": most},
            "failures": self.failures,
        })
    }
}
