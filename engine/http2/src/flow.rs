//! Flow-control windows, RFC 9113 §6.9: what we may send and what we let the peer send.

use crate::settings::MOST_WINDOW;

/// Bytes we may still send; below zero after a SETTINGS that took some away (RFC 9113 §6.9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendWindow(i32);

/// Bytes the peer may still send, and those it will be given back.
///
/// `left`, `owed` and what came and is not released yet make up `size`, which doubles while the peer uses it up fast and
/// all is released at once, and falls back to what it was at first where it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceiveWindow {
    left: i32,
    owed: u32,
    size: u32,
    /// Bytes given back since `since`.
    given: u32,
    /// When the round began, as the connection counts; 0 before the first.
    since: Tick,
}

/// Milliseconds since the connection's first DATA was given back, and 1.
pub(crate) type Tick = u32;

/// A window's worth within this time wants a larger one: a peer so far away that its answer takes longer would wait.
const ROUND: Tick = 250;
/// Window is given back in parts of this many. With halves, a peer that leaves Nagle's algorithm on waits for a delayed
/// acknowledgement each time.
const PARTS: u32 = 4;

/// A window went over 2^31-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

// === impl SendWindow ===

impl SendWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self(size.min(MOST_WINDOW) as i32)
    }

    #[inline]
    pub(crate) fn available(self) -> usize {
        self.0.max(0) as usize
    }

    /// Spends at most what is available.
    #[inline]
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.0 -= bytes.min(self.available()) as i32;
    }

    /// Grows, or shrinks where a SETTINGS says so, also below zero.
    pub(crate) fn shift(&mut self, by: i64) -> Result<(), Overflow> {
        self.0 = i32::try_from(i64::from(self.0) + by).map_err(|_| Overflow)?;
        Ok(())
    }
}

// === impl ReceiveWindow ===

impl ReceiveWindow {
    #[inline]
    pub(crate) fn new(size: u32) -> Self {
        let size = size.min(MOST_WINDOW);
        Self { left: size as i32, owed: 0, size, given: 0, since: 0 }
    }

    /// Takes a frame's whole length; `false` where the peer had no such window.
    #[inline]
    pub(crate) fn take(&mut self, bytes: u32) -> bool {
        if i64::from(bytes) > i64::from(self.left) {
            return bytes == 0;
        }
        self.left -= bytes as i32;
        true
    }

    /// Notes bytes to give back, never more than were taken. Says whether it is time to [`Self::give_back`].
    #[inline]
    pub(crate) fn release(&mut self, bytes: u32) -> bool {
        self.owed += i64::from(bytes).min(self.unreleased()) as u32;
        self.owed > 0 && self.owed >= self.size / PARTS
    }

    /// The bytes to update by, if any. `initial` is the size that the window had at first; `most`, asked with its size only
    /// when that has proved too small, gives the one that it may grow to.
    pub(crate) fn give_back(&mut self, initial: u32, now: Tick, most: impl FnOnce(u32) -> u32) -> Option<u32> {
        if self.lags(initial) {
            // What the peer was lent beyond the initial size is not given back, so that no more than that is buffered.
            let lent = self.owed.min(self.size.saturating_sub(initial));
            self.size -= lent;
            self.owed -= lent;
            (self.given, self.since) = (0, now);
        } else if self.is_used_up(now) {
            let more = self.size.min(most(self.size).saturating_sub(self.size));
            self.size += more;
            self.owed += more;
        }
        if self.owed == 0 {
            return None;
        }
        let update = std::mem::take(&mut self.owed);
        self.left += update as i32;
        Some(update)
    }

    /// Bytes that it has grown by.
    pub(crate) fn grown(self, initial: u32) -> u32 {
        self.size.saturating_sub(initial)
    }

    /// Whether who is to release does not keep up with what comes.
    fn lags(&self, initial: u32) -> bool {
        self.unreleased() >= i64::from(initial.min(self.size / PARTS).max(1))
    }

    /// Whether the round is over, and was a fast one.
    fn is_used_up(&mut self, now: Tick) -> bool {
        if self.since == 0 {
            self.since = now;
            return false;
        }
        self.given = self.given.saturating_add(self.owed);
        if self.given < self.size {
            return false;
        }
        let is_fast = now.saturating_sub(self.since) <= ROUND;
        (self.given, self.since) = (0, now);
        is_fast
    }

    fn unreleased(&self) -> i64 {
        (i64::from(self.size) - i64::from(self.left) - i64::from(self.owed)).max(0)
    }

    /// Changes the size under open streams, as the peer does when it acknowledges our SETTINGS.
    pub(crate) fn resize(&mut self, size: u32) {
        let size = size.min(MOST_WINDOW);
        let left = i64::from(self.left) + i64::from(size) - i64::from(self.size);
        self.left = left.clamp(i64::from(i32::MIN), i64::from(MOST_WINDOW)) as i32;
        self.size = size;
    }
}
