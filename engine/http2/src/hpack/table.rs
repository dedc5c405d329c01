//! The decoder's dynamic table, RFC 7541 §2.3.2: newest first, bounded in bytes.

use std::collections::VecDeque;

use super::hash;
use crate::fields::Pair;
use crate::mark::Mark;

/// What each entry costs besides its strings (RFC 7541 §4.1).
pub(super) const ENTRY_OVERHEAD: usize = 32;

/// Entries over one arena. Evicted bytes at its front are reclaimed when it has grown to twice the limit.
#[derive(Debug)]
pub(super) struct Table {
    bytes: Vec<u8>,
    entries: VecDeque<Slot>,
    size: usize,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    start: usize,
    name: usize,
    value: usize,
    hash: u32,
    mark: Mark,
}

// === impl Table ===

impl Table {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), entries: VecDeque::new(), size: 0, limit }
    }

    /// The entry at `index`, 0 being the newest.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<(Pair<'_>, Mark)> {
        let slot = self.entries.get(index)?;
        let pair = Pair {
            bytes: &self.bytes[slot.start..slot.start + slot.name + slot.value],
            name: slot.name,
            never_indexed: false,
            hash: slot.hash,
        };
        Some((pair, slot.mark))
    }

    /// Changes the bound, evicting what no longer fits (RFC 7541 §4.3).
    pub(super) fn resize(&mut self, limit: usize) {
        self.limit = limit;
        self.evict(0);
    }

    /// Inserts a field, evicting first; one larger than the table empties it and is no error (RFC 7541 §4.4).
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8], mark: Mark) -> u32 {
        let hash = hash::field(name, value);
        let cost = name.len() + value.len() + ENTRY_OVERHEAD;
        self.evict(cost);
        if cost <= self.limit {
            self.reclaim(name.len() + value.len());
            let start = self.bytes.len();
            self.bytes.extend_from_slice(name);
            self.bytes.extend_from_slice(value);
            self.size += cost;
            self.entries.push_front(Slot { start, name: name.len(), value: value.len(), hash, mark });
        }
        hash
    }

    pub(super) fn empty(&mut self) {
        self.evict(self.limit + 1);
    }

    fn evict(&mut self, coming: usize) {
        while self.size + coming > self.limit {
            let Some(oldest) = self.entries.pop_back() else { break };
            self.size -= oldest.name + oldest.value + ENTRY_OVERHEAD;
        }
    }

    fn reclaim(&mut self, coming: usize) {
        let Some(oldest) = self.entries.back() else {
            self.bytes.clear();
            return;
        };
        let gone = oldest.start;
        if self.bytes.len() + coming > 2 * self.limit {
            self.bytes.drain(..gone);
            for slot in &mut self.entries {
                slot.start -= gone;
            }
        }
    }

    /// Bytes of all entries as RFC 7541 §4.1 counts them.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    #[cfg(test)]
    pub(super) fn arena(&self) -> usize {
        self.bytes.len()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
