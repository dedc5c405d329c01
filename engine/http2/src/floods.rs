//! Rates at which a peer may make work that costs it nothing. All count in windows of ten seconds: honest events must
//! not add up over a connection's life.

use std::time::{Duration, Instant};

use crate::{ConnectionError, PeerLimit, PeerLimits};

const WINDOW: Duration = Duration::from_secs(10);
/// A request that was reset sooner than this was never meant to be served (CVE-2023-44487): the other side could not have
/// seen it. The clock stands still while one read is worked off, so a request and its reset that came in one count.
const YOUNG: Duration = Duration::from_millis(1);

/// What the peer did in the window that runs.
#[derive(Debug)]
pub(crate) struct Floods {
    limits: PeerLimits,
    since: Option<Instant>,
    counts: Counts,
    /// DATA frames without content, one after the other; no matter of time.
    empty: u32,
}

#[derive(Debug, Default)]
struct Counts {
    opened: u32,
    young: u32,
    forced: u32,
    settings: u64,
    pings: u64,
    priorities: u64,
    window_updates: u64,
    useless: u64,
    data_sent: u64,
    /// WINDOW_UPDATEs that the window before earned and that did not come in it: a peer that stood still gives back in
    /// one window what it was sent in another.
    owed: u64,
}

// === impl Floods ===

impl Floods {
    pub(crate) fn new(limits: PeerLimits) -> Self {
        Self { limits, since: None, counts: Counts::default(), empty: 0 }
    }

    #[inline]
    pub(crate) fn opened(&mut self) {
        self.counts.opened += 1;
    }

    #[inline]
    pub(crate) fn data_sent(&mut self) {
        self.counts.data_sent += 1;
    }

    /// The peer reset a request. Honest callers cancel hundreds a second; too many that nobody could have seen are an
    /// attack (CVE-2023-44487).
    pub(crate) fn reset(&mut self, now: Instant, opened: Instant) -> Result<(), ConnectionError> {
        let most = self.limits.resets;
        let counts = self.roll(now);
        counts.young += u32::from(now.saturating_duration_since(opened) < YOUNG);
        refuse(counts.young > most, PeerLimit::Resets, "too many streams reset at once")
    }

    /// We had to reset a stream for the peer's error (CVE-2025-8671).
    pub(crate) fn forced_reset(&mut self, now: Instant) -> Result<(), ConnectionError> {
        let most = self.limits.stream_errors;
        let counts = self.roll(now);
        counts.forced += 1;
        refuse(counts.forced > most, PeerLimit::StreamErrors, "too many stream errors")
    }

    /// A DATA frame came; empty ones without an end are work for nothing (CVE-2019-9518).
    #[inline]
    pub(crate) fn data(&mut self, is_empty: bool) -> Result<(), ConnectionError> {
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        refuse(self.empty > self.limits.empty_data, PeerLimit::EmptyData, "too many empty DATA frames")
    }

    /// SETTINGS, or the acknowledgement of ours.
    pub(crate) fn settings(&mut self, now: Instant) -> Result<(), ConnectionError> {
        let most = u64::from(self.limits.settings);
        let counts = self.roll(now);
        counts.settings += 1;
        refuse(counts.settings > most, PeerLimit::Settings, "too many SETTINGS")
    }

    pub(crate) fn ping(&mut self, now: Instant) -> Result<(), ConnectionError> {
        let base = u64::from(self.limits.control_frames);
        let counts = self.roll(now);
        counts.pings += 1;
        refuse(counts.pings > base + counts.earned(), PeerLimit::Pings, "too many PINGs")
    }

    /// PRIORITY and frames of unknown types.
    pub(crate) fn priority(&mut self, now: Instant) -> Result<(), ConnectionError> {
        let base = u64::from(self.limits.control_frames);
        let counts = self.roll(now);
        counts.priorities += 1;
        let most = base + 100 * u64::from(counts.opened);
        refuse(counts.priorities > most, PeerLimit::Priorities, "too many PRIORITY or unknown frames")
    }

    pub(crate) fn window_update(&mut self, now: Instant) -> Result<(), ConnectionError> {
        let base = u64::from(self.limits.control_frames);
        let counts = self.roll(now);
        counts.window_updates += 1;
        let most = base + counts.earned() + counts.owed;
        refuse(counts.window_updates > most, PeerLimit::WindowUpdates, "too many WINDOW_UPDATEs")
    }

    /// A frame that changes nothing: on a stream that is closed, or one more GOAWAY. Honest peers send at most one or two
    /// a stream, which crossed ours on the way.
    pub(crate) fn useless(&mut self, now: Instant) -> Result<(), ConnectionError> {
        let base = u64::from(self.limits.control_frames);
        let counts = self.roll(now);
        counts.useless += 1;
        let most = base + 2 * u64::from(counts.opened);
        refuse(counts.useless > most, PeerLimit::Useless, "too many frames that change nothing")
    }

    #[inline]
    fn roll(&mut self, now: Instant) -> &mut Counts {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= WINDOW {
            self.since = Some(now);
            let owed = self.counts.still_owed();
            self.counts = Counts { owed, ..Counts::default() };
        }
        &mut self.counts
    }
}

// === impl Counts ===

impl Counts {
    /// Envoy's formula for frames that our own traffic calls forth: 2 × (streams + 10 × DATA frames sent).
    fn earned(&self) -> u64 {
        2 * (u64::from(self.opened) + 10 * self.data_sent)
    }

    /// What the next window owes: only what this one itself earned, so that nothing adds up over a connection's life.
    fn still_owed(&self) -> u64 {
        self.earned().min((self.earned() + self.owed).saturating_sub(self.window_updates))
    }
}

#[inline]
fn refuse(is_flood: bool, limit: PeerLimit, cause: &'static str) -> Result<(), ConnectionError> {
    if is_flood { Err(ConnectionError::calm(limit, cause)) } else { Ok(()) }
}
