//! How many young streams were reset lately, counted over ten seconds.

use std::time::{Duration, Instant};

/// The time over which resets are counted.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);

/// The resets of a caller, or those on the connections that callers share.
#[derive(Debug)]
pub(crate) struct Resets {
    since: Instant,
    young: u32,
}

// === impl Resets ===

impl Resets {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, young: 0 }
    }

    /// Counts one more; gives how many there were in the window.
    pub(crate) fn count(&mut self, now: Instant) -> u32 {
        if now.saturating_duration_since(self.since) >= WINDOW {
            (self.since, self.young) = (now, 0);
        }
        self.young = self.young.saturating_add(1);
        self.young
    }
}
