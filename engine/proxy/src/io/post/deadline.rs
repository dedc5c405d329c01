//! When a call must have ended, whatever it waits for.

use std::io;
use std::time::{Duration, Instant};

/// One end for all of a call's waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Option<Instant>,
    /// What the caller gave, for messages.
    pub(super) timeout: Duration,
}

// === impl Deadline ===

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        // Without an end where the clock cannot hold it.
        Self { at: Instant::now().checked_add(timeout), timeout }
    }

    /// What is left, never nothing.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`]
    pub(super) fn left(self) -> io::Result<Duration> {
        let left = self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}
