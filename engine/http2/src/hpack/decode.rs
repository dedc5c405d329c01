//! From a header block to fields, RFC 7541 §3 and §6.

use super::huffman;
use super::integer;
use super::static_table;
use super::table::Table;
use crate::headers::Section;
use crate::mark::Mark;
use crate::{ConnectionError, ErrorCode};

/// Scratch kept between blocks; a longer string's memory is given back.
const SCRATCH_KEPT: usize = 16 * 1024;

/// The decoding context of one connection. Every block must go through it, wanted or not, or its table falls out of
/// step with the peer's.
#[derive(Debug)]
pub(crate) struct Decoder {
    table: Table,
    name: Vec<u8>,
    value: Vec<u8>,
}

/// Whether a literal enters the table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Indexing {
    Incremental,
    Without,
    Never,
}

// === impl Decoder ===

impl Decoder {
    /// What SETTINGS_HEADER_TABLE_SIZE is while we announce none.
    pub(super) const TABLE_LIMIT: u32 = 4_096;
    pub(super) const LATE_UPDATE: ConnectionError = broken("table size update after a field");
    pub(super) const CUT_STRING: ConnectionError = broken("string beyond its block");

    pub(crate) fn new() -> Self {
        Self { table: Table::new(Self::TABLE_LIMIT as usize), name: Vec::new(), value: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn table_mut(&mut self) -> &mut Table {
        &mut self.table
    }

    /// Decodes a block, or whole fields of one, into `section`.
    ///
    /// # Errors
    /// COMPRESSION_ERROR for what is no HPACK; ENHANCE_YOUR_CALM where `section` has had far too much.
    pub(crate) fn decode(&mut self, mut block: &[u8], section: &mut Section<'_>) -> Result<(), ConnectionError> {
        self.size_updates(&mut block)?;
        while let Some(&first) = block.first() {
            match first {
                0x80.. => self.indexed(&mut block, section)?,
                0x40.. => self.literal(&mut block, 6, Indexing::Incremental, section)?,
                0x20.. => return Err(Self::LATE_UPDATE),
                0x10.. => self.literal(&mut block, 4, Indexing::Never, section)?,
                _ => self.literal(&mut block, 4, Indexing::Without, section)?,
            }
        }
        self.name.shrink_to(SCRATCH_KEPT);
        self.value.shrink_to(SCRATCH_KEPT);
        Ok(())
    }

    #[inline]
    pub(super) fn begins_with_update(block: &[u8]) -> bool {
        block.first().is_some_and(|first| first & 0xe0 == 0x20)
    }

    /// Size updates are allowed at a block's start only, at most two of them (RFC 7541 §4.2), under our own limit.
    fn size_updates(&mut self, block: &mut &[u8]) -> Result<(), ConnectionError> {
        let mut updates = 0;
        while Self::begins_with_update(block) {
            let size = integer::read(block, 5).ok_or(broken("bad integer"))?;
            updates += 1;
            if size > Self::TABLE_LIMIT {
                return Err(broken("table size update over the limit"));
            }
            if updates > 2 {
                return Err(broken("too many table size updates"));
            }
            self.table.resize(size as usize);
        }
        Ok(())
    }

    #[inline]
    fn indexed(&mut self, block: &mut &[u8], section: &mut Section<'_>) -> Result<(), ConnectionError> {
        let index = integer::read(block, 7).ok_or(broken("bad integer"))? as usize;
        if let Some(entry) = index.checked_sub(1).and_then(|at| static_table::ENTRIES.get(at)) {
            return section.add_pair(entry.pair, entry.mark);
        }
        let (pair, mark) = dynamic(index).and_then(|at| self.table.get(at)).ok_or(broken("index of no entry"))?;
        section.add_pair(pair, mark)
    }

    /// Takes a literal whose value of `length` bytes is too long for the list and for the table, and of which `start` has
    /// come. `head` holds what comes before.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub(super) fn long_value(
        &mut self,
        head: &[u8],
        start: &[u8],
        length: usize,
        section: &mut Section<'_>,
    ) -> Result<(), ConnectionError> {
        let Self { table, name: name_room, value: value_room } = self;
        let (mut rest, is_incremental) = (head, head.first().is_some_and(|first| first & 0xc0 == 0x40));
        let (name, _) = literal_name(&mut rest, if is_incremental { 6 } else { 4 }, table, name_room)?;
        if is_incremental {
            // An entry larger than the table empties it (RFC 7541 §4.4).
            table.empty();
        }
        let mut glance = start;
        if rest.first().is_some_and(|first| first & 0x80 != 0) {
            value_room.clear();
            // It ends in the middle of a code or two: what comes before is there.
            let _ = huffman::decode(glance, value_room);
            glance = value_room;
        }
        section.add_long(name, glance, length)
    }

    fn literal(
        &mut self,
        block: &mut &[u8],
        prefix: u32,
        indexing: Indexing,
        section: &mut Section<'_>,
    ) -> Result<(), ConnectionError> {
        let Self { table, name: name_room, value: value_room } = self;
        let (name, mark) = literal_name(block, prefix, table, name_room)?;
        let value = string(block, value_room)?;
        let mark = mark.with_value(value);
        let hash = match indexing {
            Indexing::Incremental => table.insert(name, value, mark),
            Indexing::Without | Indexing::Never => 0,
        };
        section.add(name, value, mark, hash, indexing == Indexing::Never)
    }
}

/// The dynamic table's place of an index; `None` for one of the static table.
#[inline]
fn dynamic(index: usize) -> Option<usize> {
    index.checked_sub(static_table::LEN + 1)
}

/// The name of a literal, given or out of a table, and its mark.
#[inline]
fn literal_name<'b: 's, 's>(
    block: &mut &'b [u8],
    prefix: u32,
    table: &Table,
    room: &'s mut Vec<u8>,
) -> Result<(&'s [u8], Mark), ConnectionError> {
    let index = integer::read(block, prefix).ok_or(broken("bad integer"))? as usize;
    if index == 0 {
        let name = string(block, room)?;
        return Ok((name, Mark::of_name(name)));
    }
    if let Some(entry) = static_table::ENTRIES.get(index - 1) {
        return Ok((entry.pair.name(), entry.mark));
    }
    let (pair, mark) = dynamic(index).and_then(|at| table.get(at)).ok_or(broken("index of no entry"))?;
    // The insertion may evict the very entry that lends its name (RFC 7541 §4.4), so the name moves out first.
    room.clear();
    room.extend_from_slice(pair.name());
    Ok((room.as_slice(), mark))
}

/// A string literal (RFC 7541 §5.2): plain ones are lent by the block, Huffman ones by `room`.
#[inline]
fn string<'b: 's, 's>(block: &mut &'b [u8], room: &'s mut Vec<u8>) -> Result<&'s [u8], ConnectionError> {
    let is_huffman = block.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer::read(block, 7).ok_or(broken("bad integer"))? as usize;
    let (raw, rest) = block.split_at_checked(length).ok_or(Decoder::CUT_STRING)?;
    *block = rest;
    if !is_huffman {
        return Ok(raw);
    }
    room.clear();
    huffman::decode(raw, room).map_err(|_| broken("bad huffman string"))?;
    Ok(room)
}

const fn broken(cause: &'static str) -> ConnectionError {
    ConnectionError::new(ErrorCode::COMPRESSION_ERROR, cause)
}
