//! The circuit breaker of a service: closed under its limits, open while one is reached.
//!
//! Acquire and release are plain counts, not guards: a call's state machine releases what it acquired.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// How much a service may have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Connections to all its endpoints; at least 1.
    pub connections: u32,
    /// Calls that wait for a connection or stream; at least 1.
    pub pending: u32,
    /// Calls in flight; at least 1.
    pub requests: u32,
    /// Retries in flight that need no budget (see [`super::budget`]).
    pub retries: u32,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Limit {
    Connections = 0,
    Pending = 1,
    Requests = 2,
    Retries = 3,
}

/// Closed, or open while a limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ServiceState {
    Closed,
    Open,
}

/// A limit is reached; the call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// Which one.
    pub limit: Limit,
    /// Its value.
    pub value: u32,
}

/// A service's limits over counts that survive snapshots.
#[derive(Debug)]
pub struct ServiceBreaker {
    limits: ServiceLimits,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    held: [AtomicU32; 4],
    refused: [AtomicU64; 4],
}

// === impl ServiceLimits ===

impl Default for ServiceLimits {
    fn default() -> Self {
        Self { connections: 1024, pending: 1024, requests: 1024, retries: 3 }
    }
}

impl ServiceLimits {
    fn of(&self, limit: Limit) -> u32 {
        match limit {
            Limit::Connections => self.connections,
            Limit::Pending => self.pending,
            Limit::Requests => self.requests,
            Limit::Retries => self.retries,
        }
    }
}

// === impl Limit ===

impl Limit {
    /// The label's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ["connections", "pending", "requests", "retries"][self as usize]
    }
}

// === impl ServiceBreaker ===

impl ServiceBreaker {
    /// A breaker with these limits; `previous` hands on what is held and what was refused.
    #[must_use]
    pub fn new(limits: ServiceLimits, previous: Option<&Self>) -> Self {
        Self { limits, counts: previous.map(|p| p.counts.clone()).unwrap_or_default() }
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &ServiceLimits {
        &self.limits
    }

    /// Takes one place, or counts the refusal.
    ///
    /// # Errors
    /// [`LimitReached`] when as many are held as may be.
    pub fn acquire(&self, limit: Limit) -> Result<(), LimitReached> {
        let value = self.limits.of(limit);
        let held = &self.counts.held[limit as usize];
        // Taken first and given back when over: one operation in the common case, and the limit is never passed for good.
        if held.fetch_add(1, Relaxed) < value {
            return Ok(());
        }
        held.fetch_sub(1, Relaxed);
        self.refuse(limit);
        Err(LimitReached { limit, value })
    }

    /// Gives back a place that was acquired.
    pub fn release(&self, limit: Limit) {
        let less = |held: u32| Some(held.saturating_sub(1));
        // Saturating: a release too many must not open the breaker for ever.
        let _ = self.counts.held[limit as usize].fetch_update(Relaxed, Relaxed, less);
    }

    /// How many are held.
    #[must_use]
    pub fn held(&self, limit: Limit) -> u32 {
        self.counts.held[limit as usize].load(Relaxed)
    }

    /// How many were refused by this limit since start.
    #[must_use]
    pub fn refused(&self, limit: Limit) -> u64 {
        self.counts.refused[limit as usize].load(Relaxed)
    }

    /// Open while connections, pending calls or requests are at their limit. Retries over theirs are not made, but the
    /// calls themselves go on, so that limit does not open it.
    #[must_use]
    pub fn state(&self) -> ServiceState {
        let reached = |limit| self.held(limit) >= self.limits.of(limit);
        if reached(Limit::Connections) || reached(Limit::Pending) || reached(Limit::Requests) {
            return ServiceState::Open;
        }
        ServiceState::Closed
    }

    pub(crate) fn hold_retry(&self) -> u32 {
        self.counts.held[Limit::Retries as usize].fetch_add(1, Relaxed)
    }

    pub(crate) fn refuse(&self, limit: Limit) {
        self.counts.refused[limit as usize].fetch_add(1, Relaxed);
    }
}
