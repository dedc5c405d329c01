//! Flow-control windows, RFC 9113 §6.9: what we may send and what we let the peer send.

use crate::settings::MOST_WINDOW;

/// Bytes we may still send; below zero after a SETTINGS that took some away (RFC 9113 §6.9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendWindow(i32);

/// Bytes the peer may still send, and those it will be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceiveWindow {
    left: i32,
    owed: u32,
    size: u32,
}

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
    pub(crate) fn new(size: u32) -> Self {
        let size = size.min(MOST_WINDOW);
        Self { left: size as i32, owed: 0, size }
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

    /// Gives bytes back, never more than were taken. Says by how much to update once half a window is owed.
    #[inline]
    pub(crate) fn release(&mut self, bytes: u32) -> Option<u32> {
        let taken = i64::from(self.size) - i64::from(self.left) - i64::from(self.owed);
        self.owed += i64::from(bytes).min(taken.max(0)) as u32;
        if self.owed == 0 || self.owed < self.size / 2 {
            return None;
        }
        let update = std::mem::take(&mut self.owed);
        self.left += update as i32;
        Some(update)
    }

    /// Changes the size under open streams, as the peer does when it acknowledges our SETTINGS.
    pub(crate) fn resize(&mut self, size: u32) {
        let size = size.min(MOST_WINDOW);
        let left = i64::from(self.left) + i64::from(size) - i64::from(self.size);
        self.left = left.clamp(i64::from(i32::MIN), i64::from(MOST_WINDOW)) as i32;
        self.size = size;
    }
}
