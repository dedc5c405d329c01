//! Which endpoints are out, from one look to the next: what changed is an event. Nothing is noted on a call's way; the
//! endpoints' own counts are compared.

use crate::balance::{Cluster, EndpointCell, EndpointKey};
use crate::proto::{EngineEvent, EventKind};
use crate::resilience::accrual::EndpointState;
use crate::snapshot::Snapshot;
use std::collections::HashMap;
use std::time::Instant;

/// What was last told of each endpoint of the snapshot.
#[derive(Debug, Default)]
pub(super) struct Fates(HashMap<EndpointKey, Fate>);

#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    ejections: u64,
    out: bool,
}

/// A change to tell.
pub(super) struct Change {
    pub(super) kind: EventKind,
    pub(super) reason: &'static str,
    pub(super) told: EngineEvent,
}

// === impl Fates ===

impl Fates {
    /// What changed since the last look. Endpoints that left are forgotten.
    pub(super) fn look(&mut self, snapshot: &Snapshot, now: Instant) -> Vec<Change> {
        let before = std::mem::take(&mut self.0);
        let mut changes = Vec::new();
        for cluster in snapshot.clusters() {
            for cell in cluster.endpoints() {
                let fate = Fate { ejections: cell.ejections(), out: cell.state() != EndpointState::Closed };
                // A subset shares the endpoints of the whole: each is told once.
                if self.0.insert(cell.key(), fate).is_none() {
                    let last = before.get(&cell.key()).copied().unwrap_or_default();
                    changes.extend(changed(last, fate, cluster, cell, now));
                }
            }
        }
        changes
    }
}

/// Out, back, or both where it came and went between two looks.
fn changed(last: Fate, fate: Fate, cluster: &Cluster, cell: &EndpointCell, now: Instant) -> Vec<Change> {
    let ejected = fate.ejections > last.ejections;
    let returned = !fate.out && (last.out || ejected);
    let named = |did: String| EngineEvent {
        peer: cluster.service().into(),
        text: format!("{} at {} {did}", cell.id, cell.address),
        ..EngineEvent::default()
    };
    let mut changes = Vec::new();
    if ejected {
        let left = cell.open_remaining(now).as_secs_f64();
        let did = format!("takes no calls for {left:.1} s: it failed {} times in a row", cell.consecutive_failures());
        let did = if fate.out { did } else { "took no calls for a while: it failed too often in a row".to_owned() };
        changes.push(Change { kind: EventKind::EndpointEjected, reason: "outlier", told: named(did) });
    }
    if returned {
        let did = "takes calls again".to_owned();
        changes.push(Change { kind: EventKind::EndpointReturned, reason: "outlier", told: named(did) });
    }
    changes
}
