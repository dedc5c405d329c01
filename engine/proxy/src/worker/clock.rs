//! Wall time of a worker: one reading, carried on by the monotonic clock, so that a span never ends before it starts.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    at: Instant,
    unix_nano: u64,
}

// === impl Clock ===

impl Clock {
    pub(crate) fn new(at: Instant, unix_nano: u64) -> Self {
        Self { at, unix_nano }
    }

    pub(crate) fn unix_nano(&self, at: Instant) -> u64 {
        match at.checked_duration_since(self.at) {
            Some(since) => self.unix_nano + since.as_nanos() as u64,
            None => self.unix_nano.saturating_sub((self.at - at).as_nanos() as u64),
        }
    }
}

/// What the system's clock says now. Workers are given it; they never ask.
pub(crate) fn unix_nano() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
