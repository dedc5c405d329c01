//! A group of endpoints and the way one is picked for a call.

use super::endpoint::{EndpointCell, EndpointKey, OpenEndpoints};
use super::p2c;
use crate::method::MethodLabel;
use crate::random::Random;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// With fewer than this percentage healthy, all are used: a health check that is wrong about most of a service must not
/// send its whole load to the rest.
const PANIC_PERCENT: usize = 50;

/// Endpoints that routes point at.
#[derive(Debug)]
pub struct Cluster {
    config: ClusterConfig,
    endpoints: Vec<Arc<EndpointCell>>,
    /// The healthy ones, or all in panic.
    candidates: Vec<Arc<EndpointCell>>,
    cursor: Arc<AtomicUsize>,
    open_endpoints: Arc<OpenEndpoints>,
}

/// What a snapshot says of a cluster besides its endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// "namespace/name" or "namespace/name#subset".
    pub name: Arc<str>,
    /// How an endpoint is picked.
    pub load_balancing: LoadBalancing,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// Where it has no endpoints, why: as far as the control plane knows, "" where it said nothing.
    pub why_empty: Box<str>,
}

/// How an endpoint is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadBalancing {
    /// The cheaper of two taken at random, by peak EWMA of latency times calls in flight.
    P2cPeakEwma,
    /// One after the other.
    RoundRobin,
}

/// Why no endpoint could be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoEndpoint {
    /// The cluster has none: `no_endpoints`.
    None,
    /// Each one's breaker is open: `breaker_open`.
    AllOpen,
}

// === impl Cluster ===

impl Cluster {
    pub(crate) fn new(
        config: ClusterConfig,
        endpoints: Vec<Arc<EndpointCell>>,
        open_endpoints: Arc<OpenEndpoints>,
        previous: Option<&Self>,
    ) -> Self {
        let healthy: Vec<_> = endpoints.iter().filter(|cell| cell.healthy).cloned().collect();
        let panic = healthy.len() * 100 < endpoints.len() * PANIC_PERCENT;
        let candidates = if panic { endpoints.clone() } else { healthy };
        let cursor = previous.map(|p| p.cursor.clone()).unwrap_or_default();
        Self { config, endpoints, candidates, cursor, open_endpoints }
    }

    /// "namespace/name" or "namespace/name#subset".
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.config.name
    }

    /// The service that the cluster belongs to: its name without the subset.
    #[must_use]
    pub fn service(&self) -> &str {
        self.config.name.split('#').next().unwrap_or_default()
    }

    /// How long a connection may take to be made.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.config.connect_timeout
    }

    /// What a caller is told where no endpoint could be picked.
    #[must_use]
    pub fn refusal(&self, none: NoEndpoint) -> String {
        match none {
            NoEndpoint::None if !self.config.why_empty.is_empty() => {
                format!("{}: {}", self.name(), self.config.why_empty)
            }
            _ => format!("{}: {none}", self.name()),
        }
    }

    /// All endpoints, the unhealthy ones too.
    #[must_use]
    pub fn endpoints(&self) -> &[Arc<EndpointCell>] {
        &self.endpoints
    }

    /// Whether so few are healthy that all are used.
    #[must_use]
    pub fn is_in_panic(&self) -> bool {
        self.candidates.len() == self.endpoints.len() && self.endpoints.iter().any(|cell| !cell.healthy)
    }

    /// An endpoint for the next attempt; the caller must `begin` and then `finish` it exactly once.
    ///
    /// Unhealthy endpoints are left out unless in panic, open ones until their time is up; the first pick after that
    /// takes the endpoint as the probe, whatever its load. Endpoints in `tried` are used only when no other is left.
    ///
    /// # Errors
    /// [`NoEndpoint`] when there is none, or all are open.
    pub fn pick(
        &self,
        tried: &[EndpointKey],
        now: Instant,
        random: &mut impl Random,
    ) -> Result<Arc<EndpointCell>, NoEndpoint> {
        if self.candidates.is_empty() {
            return Err(NoEndpoint::None);
        }
        if tried.is_empty() && !self.open_endpoints.any() {
            let chosen = self.choose(self.candidates.len(), |at| self.candidates.get(at), now, random);
            return chosen.cloned().ok_or(NoEndpoint::None);
        }
        let untried = |cell: &EndpointCell| !tried.contains(&cell.key());
        let picked = self
            .probe(&untried, now)
            .or_else(|| self.choose_closed(&untried, now, random))
            .or_else(|| self.choose_closed(&|_| true, now, random))
            .or_else(|| self.probe(&|_| true, now));
        picked.cloned().ok_or(NoEndpoint::AllOpen)
    }

    /// The shortest median for the method among endpoints that a retry could go to; zero where none is known.
    #[must_use]
    pub fn best_p50(&self, method: MethodLabel, tried: &[EndpointKey]) -> Duration {
        let open_to_it = self.candidates.iter().filter(|cell| cell.is_closed() && !tried.contains(&cell.key()));
        open_to_it.map(|cell| cell.p50(method)).min().unwrap_or_default()
    }

    fn probe(&self, wanted: &impl Fn(&EndpointCell) -> bool, now: Instant) -> Option<&Arc<EndpointCell>> {
        let mut due = self.candidates.iter().filter(|cell| !cell.is_closed() && cell.is_due(now) && wanted(cell));
        due.find(|cell| cell.try_probe(now))
    }

    fn choose_closed(
        &self,
        wanted: &impl Fn(&EndpointCell) -> bool,
        now: Instant,
        random: &mut impl Random,
    ) -> Option<&Arc<EndpointCell>> {
        let eligible = || self.candidates.iter().filter(|cell| cell.is_closed() && wanted(cell));
        // Counted first and taken by number then: no list is built. One that opens in between only shortens the walk.
        self.choose(eligible().count(), |at| eligible().nth(at), now, random)
    }

    fn choose<'a>(
        &'a self,
        count: usize,
        nth: impl Fn(usize) -> Option<&'a Arc<EndpointCell>>,
        now: Instant,
        random: &mut impl Random,
    ) -> Option<&'a Arc<EndpointCell>> {
        match (count, self.config.load_balancing) {
            (0, _) => None,
            (1, _) => nth(0),
            (_, LoadBalancing::RoundRobin) => nth(self.cursor.fetch_add(1, Relaxed) % count),
            (_, LoadBalancing::P2cPeakEwma) => p2c::choose(count, nth, now, random),
        }
    }
}

// === impl NoEndpoint ===

impl fmt::Display for NoEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "the cluster has no endpoint; is the service registered?",
            Self::AllOpen => "every endpoint failed too often and is open",
        })
    }
}

impl std::error::Error for NoEndpoint {}
