//! What all workers know of an endpoint, whatever snapshots come and go.

use super::ewma::{FAILURE_US, PeakEwma};
use crate::resilience::accrual::{Accrual, AccrualPolicy, EndpointState, Ticket, Transition};
use crate::ticks::Ticks;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Places for medians by method; methods beyond that share.
const MEDIANS: usize = 16;

/// What is shared of an endpoint, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Load {
    open_endpoints: Arc<OpenEndpoints>,
    pub(super) in_flight: AtomicU32,
    pub(super) connections: AtomicU32,
    pub(super) ewma: PeakEwma,
    pub(super) accrual: Accrual,
    pub(super) successes: AtomicU64,
    pub(super) failures: AtomicU64,
    medians: [Median; MEDIANS],
    ticks: Ticks,
}

/// How many endpoints of a service are not closed, so that a pick in a healthy service looks at two and no more.
#[derive(Debug, Default)]
pub(crate) struct OpenEndpoints {
    open: AtomicU32,
    /// Ejections that were not made, or were taken back, because too many would be out.
    spared: AtomicU64,
}

/// A running median in microseconds: a step up or down by a sixteenth of itself (frugal streaming, Ma et al. 2014).
#[derive(Debug, Default)]
struct Median(AtomicU32);

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

    pub(super) fn succeeded(&self, ticket: Ticket, now: Instant, latency: Duration, median: usize) {
        self.successes.fetch_add(1, Relaxed);
        let latency_us = micros(latency);
        self.ewma.observe(latency_us, self.now_us(now));
        self.medians[median % MEDIANS].observe(latency_us);
        self.note(self.accrual.on_success(ticket));
    }

    /// `seed`: of the jitter. What it changed.
    pub(super) fn failed(
        &self,
        ticket: Ticket,
        policy: &AccrualPolicy,
        may_open: bool,
        now: Instant,
        latency: Duration,
        seed: u64,
    ) -> Transition {
        self.failures.fetch_add(1, Relaxed);
        let (latency_us, now_us) = (micros(latency), self.now_us(now));
        self.ewma.observe(latency_us.max(FAILURE_US), now_us);
        let seed = seed ^ latency_us.rotate_left(32);
        let transition = self.accrual.on_failure(ticket, policy, may_open, now_us, seed);
        self.note(transition);
        transition
    }

    /// The first sign of life of an attempt.
    pub(super) fn answered(&self, ticket: Ticket) {
        self.note(self.accrual.on_answer(ticket));
    }

    pub(super) fn p50(&self, median: usize) -> Duration {
        self.medians[median % MEDIANS].get()
    }

    pub(super) fn now_us(&self, now: Instant) -> u64 {
        self.ticks.micros(now)
    }

    /// Since when it is out; `None` where it takes calls.
    pub(super) fn out_since(&self) -> Option<Instant> {
        self.ticks.instant(self.accrual.out_since()?)
    }

    pub(super) fn is_out(&self) -> bool {
        self.accrual.state() != EndpointState::Closed
    }

    /// Used again because too many of its peers are out.
    pub(super) fn readmit(&self) {
        let transition = self.accrual.readmit();
        self.note(transition);
        if transition == Transition::Closed {
            self.open_endpoints.spare();
        }
    }

    fn note(&self, transition: Transition) {
        match transition {
            Transition::None => {}
            Transition::Opened => self.open_endpoints.opened(),
            Transition::Closed => self.open_endpoints.closed(),
            Transition::Spared => self.open_endpoints.spare(),
        }
    }
}

impl Drop for Load {
    /// An endpoint that leaves while it is open must not keep every pick on the long way.
    fn drop(&mut self) {
        if self.is_out() {
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
        self.open.load(Relaxed) != 0
    }

    /// How often an endpoint was used although it had failed too often.
    pub(crate) fn spared(&self) -> u64 {
        self.spared.load(Relaxed)
    }

    pub(super) fn spare(&self) {
        self.spared.fetch_add(1, Relaxed);
    }

    fn opened(&self) {
        self.open.fetch_add(1, Relaxed);
    }

    fn closed(&self) {
        self.open.fetch_sub(1, Relaxed);
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
