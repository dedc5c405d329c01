//! What goes on from one snapshot to the next: the loads of each service's endpoints.

use crate::balance::EndpointKey;
use crate::balance::load::{Load, OpenEndpoints};
use crate::hash::FastMap;
use crate::snapshot::Snapshot;
use std::sync::Arc;

/// By service, "namespace/name".
#[derive(Default)]
pub(super) struct Known(FastMap<Box<str>, OfService>);

/// The endpoints of one service, whatever its clusters: their loads and whether they are out are theirs, not a cluster's.
#[derive(Default)]
pub(super) struct OfService {
    pub(super) open_endpoints: Arc<OpenEndpoints>,
    loads: FastMap<u64, Arc<Load>>,
}

// === impl Known ===

impl Known {
    pub(super) fn from(previous: Option<&Snapshot>) -> Self {
        let mut known = Self::default();
        for cluster in previous.into_iter().flat_map(Snapshot::clusters) {
            let service = known.of(cluster.name());
            service.open_endpoints = cluster.open_endpoints.clone();
            service.loads.extend(cluster.endpoints().iter().map(|cell| (cell.key.0, cell.load.clone())));
        }
        known
    }

    /// What is known of the service that a cluster belongs to: its name without the subset.
    pub(super) fn of(&mut self, cluster: &str) -> &mut OfService {
        let service = cluster.split('#').next().unwrap_or_default();
        self.0.entry(service.into()).or_default()
    }
}

// === impl OfService ===

impl OfService {
    /// The load of an endpoint: at another address, or with another identity, it is another process.
    pub(super) fn load(&mut self, key: EndpointKey) -> Arc<Load> {
        let new = || Arc::new(Load::new(self.open_endpoints.clone()));
        self.loads.entry(key.0).or_insert_with(new).clone()
    }
}
