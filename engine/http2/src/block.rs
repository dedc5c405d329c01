//! A header block on its way over several frames, RFC 9113 §4.3 and §6.10.

use std::time::Instant;

use crate::limits::FAR_OVER;
use crate::{ConnectionError, HeaderLimits, PeerLimit};

/// What a HEADERS frame without END_HEADERS began.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) stream: u32,
    pub(crate) ends_stream: bool,
    pub(crate) parent: Parent,
    pub(crate) bytes: Vec<u8>,
    since: Instant,
    continuations: u32,
}

/// What its HEADERS frame says the stream depends on. All others are ignored (RFC 9113 §5.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// Nothing, or another stream.
    Other,
    /// Itself, which no honest peer says (RFC 7540 §5.3.1).
    Itself,
}

// === impl Block ===

impl Block {
    pub(crate) const LATE: ConnectionError =
        ConnectionError::calm(PeerLimit::HeaderTime, "header block not ended in time");

    pub(crate) fn new(stream: u32, ends_stream: bool, parent: Parent, fragment: &[u8], now: Instant) -> Self {
        Self { stream, ends_stream, parent, bytes: fragment.to_vec(), since: now, continuations: 0 }
    }

    /// Adds a CONTINUATION's fragment.
    ///
    /// # Errors
    /// ENHANCE_YOUR_CALM: more frames or bytes than `limits` allow (CVE-2024-27316).
    pub(crate) fn extend(&mut self, fragment: &[u8], limits: &HeaderLimits) -> Result<(), ConnectionError> {
        self.continuations += 1;
        if self.continuations > limits.max_continuations {
            return Err(ConnectionError::calm(PeerLimit::Continuations, "too many CONTINUATION frames"));
        }
        if self.bytes.len() + fragment.len() > limits.max_list_bytes.saturating_mul(FAR_OVER) as usize {
            return Err(ConnectionError::calm(PeerLimit::HeaderBlock, "header block four times over its limit"));
        }
        self.bytes.extend_from_slice(fragment);
        Ok(())
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// # Errors
    /// ENHANCE_YOUR_CALM: the block is still not whole after its time (slowloris).
    pub(crate) fn check_age(&self, limits: &HeaderLimits, now: Instant) -> Result<(), ConnectionError> {
        if now.saturating_duration_since(self.since) > limits.block_timeout {
            return Err(Self::LATE);
        }
        Ok(())
    }
}
