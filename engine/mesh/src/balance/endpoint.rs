//! An endpoint as one snapshot sees it, and how it fares.

use super::load::Load;
use super::peers::Peers;
use crate::method::MethodLabel;
use crate::outcome::{Outcome, Verdict};
use crate::resilience::accrual::{AccrualPolicy, EndpointState, Ticket, Transition};
use crate::spiffe::SpiffeId;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

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
    pub(crate) peers: Arc<Peers>,
}

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

    /// The attempt's first sign of life: response headers that are not its end, or a message. It ends a probe's wait: the
    /// endpoint is used again from here on, however long the call goes on.
    pub fn answered(&self, ticket: Ticket) {
        self.load.answered(ticket);
    }

    /// The attempt ended after `latency`. Every `begin` has exactly one `settle`, with the ticket of its pick.
    pub fn settle(&self, ticket: Ticket, now: Instant, latency: Duration, outcome: &Outcome, method: MethodLabel) {
        self.end(ticket, now, latency, self.verdict(outcome), method);
    }

    /// What an outcome says about this endpoint, by the statuses that its policy adds.
    #[must_use]
    pub fn verdict(&self, outcome: &Outcome) -> Verdict {
        match outcome.verdict() {
            Verdict::Success if self.accrual_policy.codes.contains(outcome.code) => Verdict::Failure,
            verdict => verdict,
        }
    }

    fn end(&self, ticket: Ticket, now: Instant, latency: Duration, verdict: Verdict, method: MethodLabel) {
        let load = &*self.load;
        load.in_flight.fetch_sub(1, Relaxed);
        match verdict {
            Verdict::Success => load.succeeded(ticket, now, latency, method.index()),
            Verdict::Failure => self.failed(ticket, now, latency),
            Verdict::Neutral => load.accrual.on_neutral(ticket, load.now_us(now)),
        }
    }

    fn failed(&self, ticket: Ticket, now: Instant, latency: Duration) {
        let may_open = self.peers.may_open();
        let changed = self.load.failed(ticket, &self.accrual_policy, may_open, now, latency, self.key.0);
        if changed == Transition::Opened {
            self.peers.trim();
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
        self.load.p50(method.index())
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

    /// Whether it takes calls.
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

    pub(crate) fn try_probe(&self, now: Instant) -> Option<Ticket> {
        self.load.accrual.try_probe(self.now_us(now))
    }

    /// What an attempt that goes to it now is picked as, where it is no probe.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.load.accrual.ticket()
    }

    fn now_us(&self, now: Instant) -> u64 {
        self.load.now_us(now)
    }
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
