//! A group of endpoints and the way one is picked for a call.

use super::endpoint::{EndpointCell, EndpointKey};
use super::load::OpenEndpoints;
use super::p2c;
use super::peers::Peers;
use crate::method::MethodLabel;
use crate::random::Random;
use crate::resilience::accrual::{AccrualPolicy, Ticket};
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
    peers: Arc<Peers>,
    cursor: Arc<AtomicUsize>,
    /// Of the service that the cluster belongs to: a dead endpoint elsewhere costs nothing here.
    pub(crate) open_endpoints: Arc<OpenEndpoints>,
}

/// An endpoint, and what the attempt is that goes to it.
#[derive(Clone, Debug)]
pub struct Picked {
    /// Where it goes.
    pub cell: Arc<EndpointCell>,
    /// For [`EndpointCell::answered`] and [`EndpointCell::settle`].
    pub ticket: Ticket,
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
        mut endpoints: Vec<EndpointCell>,
        accrual: &AccrualPolicy,
        open_endpoints: Arc<OpenEndpoints>,
        previous: Option<&Self>,
    ) -> Self {
        let healthy = endpoints.iter().filter(|cell| cell.healthy).count();
        let panic = healthy * 100 < endpoints.len() * PANIC_PERCENT;
        let is_candidate = |cell: &EndpointCell| panic || cell.healthy;
        let loads: Vec<_> = endpoints.iter().filter(|cell| is_candidate(cell)).map(|cell| cell.load.clone()).collect();
        let most_out = accrual.most_ejected(loads.len());
        let peers = Arc::new(Peers::new(loads, most_out));
        // Of fewer endpoints than before fewer may be out.
        peers.trim();
        endpoints.iter_mut().for_each(|cell| cell.peers = peers.clone());
        let endpoints: Vec<_> = endpoints.into_iter().map(Arc::new).collect();
        let candidates = endpoints.iter().filter(|cell| is_candidate(cell)).cloned().collect();
        let cursor = previous.map(|p| p.cursor.clone()).unwrap_or_default();
        Self { config, endpoints, candidates, peers, cursor, open_endpoints }
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

    /// An endpoint for the next attempt; the caller must `begin` and then `settle` it exactly once.
    ///
    /// Unhealthy endpoints are left out unless in panic, open ones until their time is up; the first pick after that
    /// takes the endpoint as the probe, whatever its load. Endpoints in `tried` are used only when no other is left.
    /// Where more are open than policy lets, the one that has been out longest is used again.
    ///
    /// # Errors
    /// [`NoEndpoint`] when there is none, or all are open and policy lets all be.
    pub fn take(&self, tried: &[EndpointKey], now: Instant, random: &mut impl Random) -> Result<Picked, NoEndpoint> {
        if self.candidates.is_empty() {
            return Err(NoEndpoint::None);
        }
        if tried.is_empty() && !self.has_open_endpoints() {
            let chosen = self.choose(self.candidates.len(), |at| self.candidates.get(at), now, random);
            return chosen.map(Picked::of).ok_or(NoEndpoint::None);
        }
        let untried = |cell: &EndpointCell| !tried.contains(&cell.key());
        let picked = self
            .probe(&untried, now)
            .or_else(|| self.choose_closed(&untried, now, random).map(Picked::of))
            .or_else(|| self.choose_closed(&|_| true, now, random).map(Picked::of))
            .or_else(|| self.probe(&|_| true, now))
            .or_else(|| self.longest_out());
        picked.ok_or(NoEndpoint::AllOpen)
    }

    /// Whether any endpoint of the service is out, so that picks look at all of them.
    #[must_use]
    pub fn has_open_endpoints(&self) -> bool {
        self.open_endpoints.any()
    }

    /// How often an endpoint of the service was used although it had failed too often.
    #[must_use]
    pub fn spared(&self) -> u64 {
        self.open_endpoints.spared()
    }

    /// The shortest median for the method among endpoints that a retry could go to; zero where none is known.
    #[must_use]
    pub fn best_p50(&self, method: MethodLabel, tried: &[EndpointKey]) -> Duration {
        let open_to_it = self.candidates.iter().filter(|cell| cell.is_closed() && !tried.contains(&cell.key()));
        open_to_it.map(|cell| cell.p50(method)).min().unwrap_or_default()
    }

    fn probe(&self, wanted: &impl Fn(&EndpointCell) -> bool, now: Instant) -> Option<Picked> {
        let mut due = self.candidates.iter().filter(|cell| !cell.is_closed() && cell.is_due(now) && wanted(cell));
        due.find_map(|cell| cell.try_probe(now).map(|ticket| Picked { cell: cell.clone(), ticket }))
    }

    /// With none left, where policy does not let all be out: a subset may have lost its only endpoint through calls to the
    /// whole service, and an endpoint that is unhealthy now may have been one of those that were left.
    fn longest_out(&self) -> Option<Picked> {
        // One whose probe is on its way is taken only when there is no other.
        let by_time = |cell: &&Arc<EndpointCell>| (cell.load.out_since().is_none(), cell.load.out_since());
        let longest = self.candidates.iter().min_by_key(by_time)?;
        if !self.peers.is_over(self.candidates.len()) {
            return None;
        }
        self.open_endpoints.spare();
        Some(Picked::of(longest))
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

// === impl Picked ===

impl Picked {
    fn of(cell: &Arc<EndpointCell>) -> Self {
        Self { ticket: cell.ticket(), cell: cell.clone() }
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
