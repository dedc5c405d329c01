//! The policy in force: immutable, shared, every quantity already checked. Made by [`crate::wire::decode`] only.

use crate::authz::{Access, AccessRules};
use crate::balance::Cluster;
use crate::hash::FastMap;
use crate::method::{MethodInfo, MethodLabel, Methods};
use crate::outcome::Outcome;
use crate::resilience::breaker::ServiceBreaker;
use crate::resilience::budget::RetryBudget;
use crate::router::{Authorities, Route};
use crate::spiffe::SpiffeId;
use std::sync::Arc;

/// Everything that the engine obeys, at one revision of the store.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) revision: u64,
    pub(crate) trust_domain: Box<str>,
    pub(crate) services: Vec<Arc<Service>>,
    pub(crate) authorities: Authorities,
    pub(crate) clusters: FastMap<Box<str>, Arc<Cluster>>,
    pub(crate) inbound: Option<Arc<Inbound>>,
}

/// An upstream service as callers name it.
#[derive(Debug)]
pub struct Service {
    /// "namespace/name".
    pub name: Arc<str>,
    /// The service's limits and what is in flight; its counts survive snapshots.
    pub breaker: Arc<ServiceBreaker>,
    /// What may be spent on retries; survives snapshots.
    pub budget: Arc<RetryBudget>,
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) methods: Methods,
}

/// What is enforced for calls to the own application.
#[derive(Debug)]
pub struct Inbound {
    /// This workload's own identity.
    pub identity: SpiffeId,
    /// "namespace/name" of the own service.
    pub service: Arc<str>,
    /// Limits of the application's side.
    pub breaker: Arc<ServiceBreaker>,
    pub(crate) methods: Methods,
    pub(crate) access: AccessRules,
}

// === impl Snapshot ===

impl Snapshot {
    /// The store's revision that this was resolved from; at least 1.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The mesh's SPIFFE trust domain, without scheme.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// The service that an `:authority` names: first as "host:port", then as "host" alone; letters of any case, with or
    /// without the dot at the end that makes a name absolute.
    #[must_use]
    pub fn service(&self, authority: &[u8]) -> Option<&Arc<Service>> {
        self.authorities.find(authority).map(|index| &self.services[index])
    }

    /// All upstream services, in the snapshot's order.
    #[must_use]
    pub fn services(&self) -> &[Arc<Service>] {
        &self.services
    }

    /// A cluster by name.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&Arc<Cluster>> {
        self.clusters.get(name)
    }

    /// All clusters, in no order.
    pub fn clusters(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.clusters.values()
    }

    /// What is enforced for calls to the own application.
    #[must_use]
    pub fn inbound(&self) -> Option<&Arc<Inbound>> {
        self.inbound.as_ref()
    }
}

// === impl Service ===

impl Service {
    /// The first route whose match holds for `path` (`/package.Service/Method`) and the headers. `has` says whether any
    /// of the values of the header with this name is this one: a header may come several times, and a joined value
    /// ("a,b") is one.
    #[must_use]
    pub fn route(&self, path: &[u8], has: impl Fn(&str, &[u8]) -> bool) -> Option<&Arc<Route>> {
        self.routes.iter().find(|route| route.matches(path, &has))
    }

    /// The service's routes, in the order in which they are tried.
    #[must_use]
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// What is known of the method at `path`.
    #[must_use]
    pub fn method(&self, path: &[u8]) -> MethodInfo {
        self.methods.find(path)
    }

    /// Under which label a call to `path` that ended with `outcome` is counted; the name may be learned by it.
    #[must_use]
    pub fn learn(&self, path: &[u8], outcome: &Outcome) -> MethodLabel {
        self.methods.learn(path, outcome)
    }

    /// The text of a label that [`Service::method`] gave.
    #[must_use]
    pub fn method_name(&self, label: MethodLabel) -> &str {
        self.methods.name(label)
    }
}

// === impl Inbound ===

impl Inbound {
    /// Decides on a call by the proven identity and exactly the `:path` that is forwarded.
    #[must_use]
    pub fn authorize<'a>(&'a self, identity: &'a SpiffeId, path: &'a [u8]) -> Access<'a> {
        self.access.decide(identity, path)
    }

    /// What is known of the method at `path`.
    #[must_use]
    pub fn method(&self, path: &[u8]) -> MethodInfo {
        self.methods.find(path)
    }

    /// Under which label a call to `path` that ended with `outcome` is counted; the name may be learned by it.
    #[must_use]
    pub fn learn(&self, path: &[u8], outcome: &Outcome) -> MethodLabel {
        self.methods.learn(path, outcome)
    }

    /// The text of a label that [`Inbound::method`] gave.
    #[must_use]
    pub fn method_name(&self, label: MethodLabel) -> &str {
        self.methods.name(label)
    }
}
