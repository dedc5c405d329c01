//! The load cell of an endpoint: what all workers know of it, and how it fares.

use super::ewma::{FAILURE_US, PeakEwma};
use crate::method::MethodLabel;
use crate::outcome::Verdict;
use crate::resilience::accrual::{Accrual, AccrualPolicy, EndpointState, Transition};
use crate::spiffe::SpiffeId;
use crate::ticks::Ticks;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Places for medians by method; methods beyond that share.
const MEDIANS: usize = 16;

/// Names an endpoint incarnation (id, address and identity) across snapshots: a key for pools and for hosts tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointKey(pub(crate) u64);

/// An endpoint as one snapshot sees it, over a load that survives snapshots.
#[derive(Debug)]
pub struct EndpointCell {
    /// The registration's instance id.
    pub id: Arc<str>,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it must prove; `None` for plaintext.
    pub identity: Option<SpiffeId>,
    /// Relative weight, at least 1.
    pub weight: u32,
    /// False: failing its health check.
    pub healthy: bool,
    pub(crate) key: EndpointKey,
    pub(crate) accrual_policy: AccrualPolicy,
    pub(crate) load: Arc<Load>,
}

/// What is shared of an endpoint, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Load {
    open_endpoints: Arc<OpenEndpoints>,
    in_flight: AtomicU32,
    connections: AtomicU32,
    ewma: PeakEwma,
    accrual: Accrual,
    successes: AtomicU64,
    failures: AtomicU64,
    medians: [Median; MEDIANS],
    ticks: Ticks,
}

/// How many endpoints are not closed, so that a pick in a healthy mesh looks at two and no more.
#[derive(Debug, Default)]
pub(crate) struct OpenEndpoints(AtomicU32);

/// A running median in microseconds: a step up or down by a sixteenth of itself (frugal streaming, Ma et al. 2014).
#[derive(Debug, Default)]
struct Median(AtomicU32);

// === impl EndpointCell ===

impl EndpointCell {
    /// The endpoint's key.
    #[must_use]
    pub fn key(&self) -> EndpointKey {
        self.key
    }

    /// An attempt goes to this endpoint.
    pub fn begin(&self, _now: Instant) {
        self.load.in_flight.fetch_add(1, Relaxed);
    }

    /// That attempt ended after `latency`. Every `begin` has exactly one `finish`; a `Neutral` one says nothing.
    pub fn finish(&self, now: Instant, latency: Duration, verdict: Verdict, method: MethodLabel) {
        let load = &*self.load;
        load.in_flight.fetch_sub(1, Relaxed);
        let now_us = load.ticks.micros(now);
        let latency_us = micros(latency);
        match verdict {
            Verdict::Success => {
                load.successes.fetch_add(1, Relaxed);
                load.ewma.observe(latency_us, now_us);
                load.medians[method.index() % MEDIANS].observe(latency_us);
                load.note(load.accrual.on_success());
            }
            Verdict::Failure => {
                load.failures.fetch_add(1, Relaxed);
                load.ewma.observe(latency_us.max(FAILURE_US), now_us);
                let seed = self.key.0 ^ latency_us.rotate_left(32);
                load.note(load.accrual.on_failure(&self.accrual_policy, now_us, seed));
            }
            Verdict::Neutral => load.accrual.on_neutral(now_us),
        }
    }

    /// A connection to it was made.
    pub fn connection_opened(&self) {
        self.load.connections.fetch_add(1, Relaxed);
    }

    /// A connection to it ended.
    pub fn connection_closed(&self) {
        self.load.connections.fetch_sub(1, Relaxed);
    }

    /// Median latency of the method's successes at this endpoint; zero before the first.
    #[must_use]
    pub fn p50(&self, method: MethodLabel) -> Duration {
        self.load.medians[method.index() % MEDIANS].get()
    }

    /// Attempts in flight, over all workers.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.load.in_flight.load(Relaxed)
    }

    /// Connections, over all workers.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.load.connections.load(Relaxed)
    }

    /// The peak EWMA of its latency, decayed to `now`.
    #[must_use]
    pub fn ewma(&self, now: Instant) -> Duration {
        Duration::from_micros(self.load.ewma.get(self.now_us(now)) as u64)
    }

    /// Its breaker's state.
    #[must_use]
    pub fn state(&self) -> EndpointState {
        self.load.accrual.state()
    }

    /// How long it still is open; zero where it is not.
    #[must_use]
    pub fn open_remaining(&self, now: Instant) -> Duration {
        self.load.accrual.open_remaining(self.now_us(now))
    }

    /// Failures in a row.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.load.accrual.consecutive_failures()
    }

    /// How often it was opened, a failed probe included.
    #[must_use]
    pub fn ejections(&self) -> u64 {
        self.load.accrual.ejections()
    }

    /// Attempts that succeeded.
    #[must_use]
    pub fn successes(&self) -> u64 {
        self.load.successes.load(Relaxed)
    }

    /// Attempts that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.load.failures.load(Relaxed)
    }

    /// What a further call would wait behind: latency times the calls in flight, over the weight.
    pub(crate) fn cost(&self, now: Instant) -> f32 {
        let in_flight = self.load.in_flight.load(Relaxed) as f32;
        self.load.ewma.get(self.now_us(now)) * (in_flight + 1.0) / self.weight as f32
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.load.accrual.is_closed()
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.load.accrual.is_due(self.now_us(now))
    }

    pub(crate) fn try_probe(&self, now: Instant) -> bool {
        self.load.accrual.try_probe(self.now_us(now))
    }

    fn now_us(&self, now: Instant) -> u64 {
        self.load.ticks.micros(now)
    }
}

// === impl Load ===

impl Load {
    pub(crate) fn new(open_endpoints: Arc<OpenEndpoints>) -> Self {
        Self {
            open_endpoints,
            in_flight: AtomicU32::new(0),
            connections: AtomicU32::new(0),
            ewma: PeakEwma::default(),
            accrual: Accrual::default(),
            successes: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            medians: Default::default(),
            ticks: Ticks::default(),
        }
    }

    fn note(&self, transition: Transition) {
        match transition {
            Transition::None => {}
            Transition::Opened => self.open_endpoints.opened(),
            Transition::Closed => self.open_endpoints.closed(),
        }
    }
}

impl Drop for Load {
    /// An endpoint that leaves while it is open must not keep every pick on the long way.
    fn drop(&mut self) {
        if !self.accrual.is_closed() {
            self.open_endpoints.closed();
        }
    }
}

fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)
}

// === impl OpenEndpoints ===

impl OpenEndpoints {
    /// Whether any endpoint is open or half-open.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    fn opened(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn closed(&self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

// === impl Median ===

impl Median {
    fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Relaxed).into())
    }

    fn observe(&self, latency_us: u64) {
        let latency = u32::try_from(latency_us).unwrap_or(u32::MAX).max(1);
        let median = self.0.load(Relaxed);
        let step = (median / 16).max(1);
        let next = match latency.cmp(&median) {
            _ if median == 0 => latency,
            std::cmp::Ordering::Greater => median.saturating_add(step),
            std::cmp::Ordering::Less => median - step,
            std::cmp::Ordering::Equal => return,
        };
        self.0.store(next.max(1), Relaxed);
    }
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
