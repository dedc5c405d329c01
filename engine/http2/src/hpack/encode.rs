//! From fields to a header block. The table is filled and never evicts, so an index moves only by insertions; once it has
//! turned away many fields it is emptied and filled anew.

use super::index::Index;
use super::integer;
use super::static_table::{ENTRIES, LEN};
use super::table::ENTRY_OVERHEAD;
use super::{hash, huffman};
use crate::Fields;
use crate::fields::Pair;

/// The most our table may hold: positions must fit the index's one byte.
const TABLE_LIMIT: u32 = 4_096;
/// Fields remembered as seen once.
const SEEN: usize = 64;
/// Fields that a full table turns away before it is emptied. To fill it again costs some twenty literals, so an emptying
/// in vain costs a fraction of a literal a field; what never comes again (a token, an id) no longer holds its place for
/// good.
const TURNED_AWAY: u32 = 256;

/// The encoding context of one connection.
#[derive(Debug)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    by_field: Index,
    by_name: Index,
    /// Hashes of fields that came once. A field enters the table at its second coming: one that never comes again
    /// would hold its place for good, since nothing is evicted.
    seen: [u32; SEEN],
    size: usize,
    limit: usize,
    /// Fields that came twice and found no room since the table was empty.
    turned_away: u32,
    /// What we would use if the peer allowed all.
    wanted: u32,
    update: SizeUpdate,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    name: u32,
    /// Bytes of name and value.
    len: u32,
}

/// What the next block must begin with (RFC 7541 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SizeUpdate {
    None,
    /// The table may hold more than before.
    Grown,
    /// The table was emptied: to 0 first, then to its limit.
    Restarted,
    /// The table turned away too many: it is emptied before the next block, for the one that is being written still
    /// counts on it.
    Full,
}

// === impl Encoder ===

impl Encoder {
    /// An encoder with at most `wanted` bytes of table, itself at most 4 096.
    pub(crate) fn new(wanted: u32) -> Self {
        let wanted = wanted.min(TABLE_LIMIT);
        Self {
            bytes: Vec::new(),
            entries: Vec::new(),
            by_field: Index::by_field(),
            by_name: Index::by_name(),
            seen: [0; SEEN],
            size: 0,
            limit: wanted as usize,
            turned_away: 0,
            wanted,
            update: SizeUpdate::None,
        }
    }

    /// The peer's SETTINGS_HEADER_TABLE_SIZE. A smaller table starts empty: what stays is then never in doubt.
    pub(crate) fn set_peer_limit(&mut self, allowed: u32) {
        let limit = allowed.min(self.wanted) as usize;
        if limit < self.limit {
            self.empty();
        } else if limit > self.limit && self.update == SizeUpdate::None {
            self.update = SizeUpdate::Grown;
        }
        self.limit = limit;
    }

    fn empty(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.by_field = Index::by_field();
        self.by_name = Index::by_name();
        self.size = 0;
        self.turned_away = 0;
        self.update = SizeUpdate::Restarted;
    }

    /// Appends the block of `fields` to `out`. It must go out at once: a later block builds on its insertions.
    pub(crate) fn encode(&mut self, fields: &Fields, out: &mut Vec<u8>) {
        if self.update != SizeUpdate::None {
            self.write_size_update(out);
        }
        for field in fields.pairs() {
            self.field(field, out);
        }
    }

    #[inline]
    fn field(&mut self, field: Pair<'_>, out: &mut Vec<u8>) {
        if field.never_indexed {
            return self.literal(field, 0x10, 4, out);
        }
        // A hash comes along where the field came out of a table: then it is no waste to look first.
        if field.hash == 0 && is_volatile(field.name()) {
            return self.literal(field, 0, 4, out);
        }
        let hash = if field.hash == 0 { hash::field(field.name(), field.value()) } else { field.hash };
        if let Some(position) = self.by_field.find(hash, |position| self.is_at(position, field)) {
            return integer::write(out, 0x80, 7, self.wire_index(position));
        }
        if field.hash != 0 && is_volatile(field.name()) {
            return self.literal(field, 0, 4, out);
        }
        if !self.is_worth_a_place(field, hash) {
            return self.literal(field, 0, 4, out);
        }
        self.insert_literal(field, hash, out);
    }

    /// Writes the field and puts it into the table, ours here and the peer's there.
    fn insert_literal(&mut self, field: Pair<'_>, hash: u32, out: &mut Vec<u8>) {
        let position = LEN + 1 + self.entries.len();
        if !self.by_field.insert(hash, position) {
            return self.literal(field, 0, 4, out);
        }
        let by_name = hash::name(field.name());
        let known = self.find_name(by_name, field.name());
        write_name(field.name(), known.map(|at| self.wire_index(at)), 0x40, 6, out);
        // Huffman is paid once here and saves the peer's memory traffic; elsewhere it costs both ends more than it saves.
        write_packed(field.value(), out);
        if known.is_none() {
            self.by_name.insert(by_name, position);
        }
        self.entries.push(Entry {
            start: self.bytes.len() as u32,
            name: field.name as u32,
            len: field.bytes.len() as u32,
        });
        self.bytes.extend_from_slice(field.bytes);
        self.size += cost(field);
    }

    fn literal(&self, field: Pair<'_>, pattern: u8, prefix: u32, out: &mut Vec<u8>) {
        let known = self.find_name(hash::name(field.name()), field.name());
        write_name(field.name(), known.map(|at| self.wire_index(at)), pattern, prefix, out);
        write_plain(field.value(), out);
    }

    fn is_worth_a_place(&mut self, field: Pair<'_>, hash: u32) -> bool {
        let seen = &mut self.seen[(hash >> 8) as usize % SEEN];
        let came_before = std::mem::replace(seen, hash) == hash;
        if self.size + cost(field) <= self.limit {
            return came_before;
        }
        // What is larger than the table would find no room in an empty one.
        self.turned_away += u32::from(came_before && cost(field) <= self.limit);
        if self.turned_away == TURNED_AWAY {
            self.update = SizeUpdate::Full;
        }
        false
    }

    #[inline]
    fn find_name(&self, hash: u32, name: &[u8]) -> Option<usize> {
        self.by_name.find(hash, |position| {
            let (bytes, length) = self.at(position);
            &bytes[..length] == name
        })
    }

    #[inline]
    fn is_at(&self, position: usize, field: Pair<'_>) -> bool {
        self.at(position) == (field.bytes, field.name)
    }

    /// The bytes of an entry, and how many of them are its name.
    #[inline]
    fn at(&self, position: usize) -> (&[u8], usize) {
        if position <= LEN {
            let pair = &ENTRIES[position - 1].pair;
            return (pair.bytes, pair.name);
        }
        let entry = &self.entries[position - LEN - 1];
        let start = entry.start as usize;
        (&self.bytes[start..start + entry.len as usize], entry.name as usize)
    }

    /// The newest entry is 62 and each insertion moves the others up (RFC 7541 §2.3.3).
    #[inline]
    fn wire_index(&self, position: usize) -> u32 {
        if position <= LEN { position as u32 } else { (LEN + 1 + LEN + self.entries.len() - position) as u32 }
    }

    #[cold]
    fn write_size_update(&mut self, out: &mut Vec<u8>) {
        if self.update == SizeUpdate::Full {
            self.empty();
        }
        if self.update == SizeUpdate::Restarted {
            integer::write(out, 0x20, 5, 0);
        }
        integer::write(out, 0x20, 5, self.limit as u32);
        self.update = SizeUpdate::None;
    }
}

/// Names whose values seldom come twice; they would fill the table with what is never asked for again.
#[inline]
fn is_volatile(name: &[u8]) -> bool {
    match name.len() {
        4 if name == b"date" => true,
        10 if name == b"tracestate" => true,
        11 if name == b"traceparent" => true,
        12 if matches!(name, b"grpc-timeout" | b"grpc-message" | b"x-request-id") => true,
        14 if name == b"content-length" => true,
        _ => name.ends_with(b"-bin"),
    }
}

fn cost(field: Pair<'_>) -> usize {
    field.bytes.len() + ENTRY_OVERHEAD
}

#[inline]
fn write_name(name: &[u8], known: Option<u32>, pattern: u8, prefix: u32, out: &mut Vec<u8>) {
    if let Some(index) = known {
        return integer::write(out, pattern, prefix, index);
    }
    out.push(pattern);
    write_plain(name, out);
}

#[inline]
fn write_plain(string: &[u8], out: &mut Vec<u8>) {
    integer::write(out, 0, 7, string.len() as u32);
    out.extend_from_slice(string);
}

fn write_packed(string: &[u8], out: &mut Vec<u8>) {
    let packed = huffman::encoded_len(string);
    if packed >= string.len() {
        return write_plain(string, out);
    }
    integer::write(out, 0x80, 7, packed as u32);
    huffman::encode(string, out);
}
