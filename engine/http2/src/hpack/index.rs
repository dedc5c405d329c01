//! Where the encoder finds a field or a name: open addressing over one byte of hash and one of position.

use super::hash;
use super::static_table::{self, LEN};

const SLOTS: usize = 256;
/// Probes after which a search or an insertion gives up, so that made collisions cost little.
const MOST_PROBES: usize = 16;

/// Positions 1 to 61 are the static table's, later ones count the dynamic table's insertions from 62.
#[derive(Clone, Debug)]
pub(super) struct Index {
    slots: [u16; SLOTS],
}

static BY_FIELD: [u16; SLOTS] = static_slots(Key::Field);
static BY_NAME: [u16; SLOTS] = static_slots(Key::Name);

#[derive(Clone, Copy)]
enum Key {
    Field,
    Name,
}

// === impl Index ===

impl Index {
    /// The static table by name and value.
    pub(super) fn by_field() -> Self {
        Self { slots: BY_FIELD }
    }

    /// The static table by name: the first entry of each.
    pub(super) fn by_name() -> Self {
        Self { slots: BY_NAME }
    }

    /// The position under `hash` that `is_it` confirms.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut at = home(hash);
        for _ in 0..MOST_PROBES {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            if slot & 0xff00 == tag(hash) && is_it((slot & 0xff) as usize) {
                return Some((slot & 0xff) as usize);
            }
            at = (at + 1) % SLOTS;
        }
        None
    }

    /// Notes a position; `false` where its neighbourhood is full or the position does not fit.
    pub(super) fn insert(&mut self, hash: u32, position: usize) -> bool {
        if position > 0xff {
            return false;
        }
        let mut at = home(hash);
        for _ in 0..MOST_PROBES {
            if self.slots[at] == 0 {
                self.slots[at] = tag(hash) | position as u16;
                return true;
            }
            at = (at + 1) % SLOTS;
        }
        false
    }
}

#[inline]
const fn home(hash: u32) -> usize {
    hash as usize >> 1 & (SLOTS - 1)
}

#[inline]
const fn tag(hash: u32) -> u16 {
    (hash >> 16) as u16 & 0xff00
}

const fn static_slots(key: Key) -> [u16; SLOTS] {
    let mut slots = [0; SLOTS];
    let mut position = 1;
    while position <= LEN {
        let name = static_table::name(position);
        let hash = match key {
            Key::Field => hash::field(name, static_table::value(position)),
            Key::Name => hash::name(name),
        };
        let again = position > 1 && same(static_table::name(position - 1), name);
        if matches!(key, Key::Field) || !again {
            let mut at = home(hash);
            while slots[at] != 0 {
                at = (at + 1) % SLOTS;
            }
            slots[at] = tag(hash) | position as u16;
        }
        position += 1;
    }
    slots
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}
