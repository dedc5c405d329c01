//! A header block that comes in pieces: whole fields are decoded as they come, so that only the beginning of one waits.

use super::Decoder;
use super::extent::{Rest, whole_fields};
use crate::headers::Section;
use crate::{ConnectionError, PeerLimit};

/// The state between two pieces.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// The beginning of a field.
    carry: Vec<u8>,
    /// Something has been decoded, so no size update may follow.
    has_begun: bool,
    /// Bytes still to come of a value that is too long to be kept.
    skipping: usize,
}

// === impl Pieces ===

impl Pieces {
    /// Takes the next piece.
    ///
    /// # Errors
    /// As [`Decoder::decode`], and ENHANCE_YOUR_CALM for a name that is longer than any list.
    pub(crate) fn take(
        &mut self,
        piece: &[u8],
        decoder: &mut Decoder,
        section: &mut Section<'_>,
    ) -> Result<(), ConnectionError> {
        let skipped = self.skipping.min(piece.len());
        self.skipping -= skipped;
        self.carry.extend_from_slice(&piece[skipped..]);
        let (whole, rest) = whole_fields(&self.carry, section.longest_string(Decoder::TABLE_LIMIT));
        if let Rest::LongName = rest {
            return Err(ConnectionError::calm(PeerLimit::HeaderBlock, "field name longer than any header list"));
        }
        self.decode(if rest == Rest::Broken { self.carry.len() } else { whole }, decoder, section)?;
        if let Rest::LongValue { head, length } = rest {
            let (head, value) = self.carry.split_at(head);
            decoder.long_value(head, value, length, section)?;
            self.skipping = length - value.len();
            self.has_begun = true;
            self.carry.clear();
        }
        Ok(())
    }

    /// The block is whole: what waits must be whole, too.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub(crate) fn finish(&mut self, decoder: &mut Decoder, section: &mut Section<'_>) -> Result<(), ConnectionError> {
        if self.skipping > 0 {
            return Err(Decoder::CUT_STRING);
        }
        self.decode(self.carry.len(), decoder, section)
    }

    fn decode(
        &mut self,
        bytes: usize,
        decoder: &mut Decoder,
        section: &mut Section<'_>,
    ) -> Result<(), ConnectionError> {
        if bytes == 0 {
            return Ok(());
        }
        let fields = &self.carry[..bytes];
        if self.has_begun && Decoder::begins_with_update(fields) {
            return Err(Decoder::LATE_UPDATE);
        }
        decoder.decode(fields, section)?;
        self.has_begun = true;
        self.carry.drain(..bytes);
        Ok(())
    }
}
