//! Instants as whole microseconds since the first one seen, so that an atomic can hold them.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Turns `Instant`s into microseconds. The first instant it meets is 0; earlier ones are 0 too.
#[derive(Debug, Default)]
pub(crate) struct Ticks(OnceLock<Instant>);

impl Ticks {
    /// Microseconds from the first instant seen to `now`.
    pub(crate) fn micros(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(*self.0.get_or_init(|| now));
        since.as_secs() * 1_000_000 + u64::from(since.subsec_micros())
    }

    /// The instant that so many microseconds stand for; `None` before the first.
    pub(crate) fn instant(&self, micros: u64) -> Option<Instant> {
        self.0.get()?.checked_add(Duration::from_micros(micros))
    }
}
