//! How many endpoints of a cluster may be out at once: never more than policy's share of them.

use super::load::Load;
use std::sync::Arc;

/// The endpoints among which a cluster picks, as each of them sees the others.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    loads: Vec<Arc<Load>>,
    most_out: usize,
}

// === impl Peers ===

impl Peers {
    pub(crate) fn new(loads: Vec<Arc<Load>>, most_out: usize) -> Self {
        Self { loads, most_out }
    }

    /// Whether any may be out at all.
    pub(super) fn may_open(&self) -> bool {
        self.most_out > 0
    }

    /// Whether so many may not be out.
    pub(super) fn is_over(&self, out: usize) -> bool {
        out > self.most_out
    }

    /// One more was ejected, or fewer may be: of too many, the one that has been out longest is used again.
    pub(super) fn trim(&self) {
        // Each round readmits one or ends it; what other workers eject meanwhile, they trim themselves.
        for _ in 0..self.loads.len() {
            let out = self.loads.iter().filter(|load| load.is_out()).count();
            let Some(longest) = self.longest_out().filter(|_| self.is_over(out)) else { return };
            longest.readmit();
        }
    }

    fn longest_out(&self) -> Option<&Arc<Load>> {
        let out = self.loads.iter().filter_map(|load| load.out_since().map(|since| (since, load)));
        out.min_by_key(|(since, _)| *since).map(|(_, load)| load)
    }
}
