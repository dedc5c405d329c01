//! A header block on its way over several frames, RFC 9113 §4.3 and §6.10.

use std::time::Instant;

use crate::headers::{Section, Tally};
use crate::hpack::{Decoder, Pieces};
use crate::{ConnectionError, Fields, HeaderLimits, PeerLimit};

/// What a HEADERS frame without END_HEADERS began.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) stream: u32,
    pub(crate) ends_stream: bool,
    pub(crate) parent: Parent,
    /// What has been decoded; the caller's own list may serve other connections meanwhile.
    pub(crate) fields: Fields,
    pub(crate) tally: Tally,
    pieces: Pieces,
    since: Instant,
    continuations: u32,
    /// Encoded bytes so far.
    bytes: usize,
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

    pub(crate) fn new(stream: u32, ends_stream: bool, parent: Parent, now: Instant) -> Self {
        Self {
            stream,
            ends_stream,
            parent,
            fields: Fields::new(),
            tally: Tally::default(),
            pieces: Pieces::default(),
            since: now,
            continuations: 0,
            bytes: 0,
        }
    }

    /// Decodes the next fragment as far as it goes.
    ///
    /// # Errors
    /// As [`Decoder::decode`]; ENHANCE_YOUR_CALM: more bytes than `limits` allow.
    pub(crate) fn take(
        &mut self,
        fragment: &[u8],
        decoder: &mut Decoder,
        limits: &HeaderLimits,
    ) -> Result<(), ConnectionError> {
        self.bytes += fragment.len();
        if self.bytes > limits.max_block_bytes as usize {
            return Err(ConnectionError::calm(PeerLimit::HeaderBlock, "header block of far too many bytes"));
        }
        let mut section = Section::resume(&mut self.fields, *limits, self.tally);
        let result = self.pieces.take(fragment, decoder, &mut section);
        self.tally = section.tally();
        result
    }

    /// The block is whole.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub(crate) fn finish(&mut self, decoder: &mut Decoder, limits: &HeaderLimits) -> Result<(), ConnectionError> {
        let mut section = Section::resume(&mut self.fields, *limits, self.tally);
        let result = self.pieces.finish(decoder, &mut section);
        self.tally = section.tally();
        result
    }

    /// Counts a CONTINUATION before its fragment is taken.
    ///
    /// # Errors
    /// ENHANCE_YOUR_CALM: frames without end that hold next to nothing (CVE-2024-27316).
    pub(crate) fn count_continuation(&mut self, fragment: &[u8], limits: &HeaderLimits) -> Result<(), ConnectionError> {
        self.continuations += 1;
        let beyond = self.continuations.saturating_sub(limits.max_continuations) as usize;
        if self.bytes + fragment.len() < beyond * HeaderLimits::WELL_FILLED as usize {
            return Err(ConnectionError::calm(PeerLimit::Continuations, "too many CONTINUATION frames"));
        }
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
