//! How fast streams are given up, counted over ten seconds, and the pace that a server or another sidecar bears.
//!
//! Of a server's young streams 50 are reset at once in ten seconds, and one more for every fourth stream opened. At that
//! pace at most half of the resets in any ten seconds of the server's own count can be young (`http2/floods`, and Envoy's
//! rule likewise).

use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(10);
/// Young resets of a window that go out at once.
const AT_ONCE: u32 = 50;
/// And one for so many streams opened.
const OPENED_FOR_ONE: u32 = 4;
/// The same of another sidecar, whose window of ten seconds begins at another time.
const OF_SIDECAR: u32 = 100;
const OPENED_FOR_ONE_OF_SIDECAR: u32 = 3;

/// How a connection's streams were given up lately: those to a server, or those of a caller.
#[derive(Debug)]
pub(crate) struct Resets {
    since: Instant,
    opened: u32,
    young: u32,
}

// === impl Resets ===

impl Resets {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, opened: 0, young: 0 }
    }

    pub(crate) fn opened(&mut self, now: Instant) {
        self.roll(now);
        self.opened += 1;
    }

    /// Whether one more young stream may be reset at once; counts it if so.
    pub(crate) fn may_go(&mut self, now: Instant) -> bool {
        self.roll(now);
        let may = self.young < AT_ONCE + self.opened / OPENED_FOR_ONE;
        self.young += u32::from(may);
        may
    }

    /// One more young stream of a sidecar's was given up; whether that keeps to its pace.
    pub(crate) fn keeps_pace(&mut self, now: Instant) -> bool {
        self.roll(now);
        self.young += 1;
        self.young <= OF_SIDECAR + self.opened / OPENED_FOR_ONE_OF_SIDECAR
    }

    fn roll(&mut self, now: Instant) {
        if now.saturating_duration_since(self.since) >= WINDOW {
            (self.since, self.opened, self.young) = (now, 0, 0);
        }
    }
}
