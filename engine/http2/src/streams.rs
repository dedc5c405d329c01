//! All streams of a connection, found by identifier directly: they come in sequence, and linear probing would make one
//! long cluster of them.

use std::collections::BTreeMap;

use crate::stream::{Half, Stream};

/// Identifiers that are remembered, at least.
const LEAST_RECENT: u32 = 256;
/// And at most: 64 KiB.
const MOST_RECENT: u32 = 8_192;

/// Slots, and the place of each recent identifier among them.
#[derive(Debug)]
pub(crate) struct Streams {
    slots: Vec<Stream>,
    free: Vec<u32>,
    recent: Box<[Recent]>,
    /// Streams that outlived their place in `recent`.
    old: BTreeMap<u32, u32>,
}

/// What is known of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Open or half-closed, in this slot.
    Live(u32),
    /// Gone, and how.
    Gone(Closing),
    /// Idle, or passed over.
    Never,
    /// Too long ago to tell.
    Forgotten,
}

/// How a stream went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Both sides ended it: nothing more may come.
    Ended,
    /// The peer reset it: nothing more should come.
    Reset,
    /// We reset it or ignore it: the peer may not know yet.
    Cut,
    /// One too many: never begun.
    Refused,
}

#[derive(Clone, Copy, Debug)]
struct Recent {
    id: u32,
    slot: u32,
}

const ENDED: u32 = u32::MAX;
const RESET: u32 = u32::MAX - 1;
const CUT: u32 = u32::MAX - 2;
const REFUSED: u32 = u32::MAX - 3;

// === impl Streams ===

impl Streams {
    /// Room to find about `expected` streams at once without the side map.
    pub(crate) fn new(expected: u32) -> Self {
        let size = expected.saturating_mul(2).clamp(LEAST_RECENT, MOST_RECENT).next_power_of_two();
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            recent: vec![Recent { id: 0, slot: ENDED }; size as usize].into(),
            old: BTreeMap::new(),
        }
    }

    /// Streams that live.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    #[inline]
    pub(crate) fn find(&self, id: u32) -> Found {
        let recent = self.recent[self.place(id)];
        if recent.id == id {
            return match recent.slot {
                ENDED => Found::Gone(Closing::Ended),
                RESET => Found::Gone(Closing::Reset),
                CUT => Found::Gone(Closing::Cut),
                REFUSED => Found::Gone(Closing::Refused),
                slot => Found::Live(slot),
            };
        }
        if !self.old.is_empty()
            && let Some(&slot) = self.old.get(&id)
        {
            return Found::Live(slot);
        }
        if recent.id > id { Found::Forgotten } else { Found::Never }
    }

    #[inline]
    pub(crate) fn live(&self, id: u32) -> Option<u32> {
        match self.find(id) {
            Found::Live(slot) => Some(slot),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &Stream {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: u32) -> &mut Stream {
        &mut self.slots[slot as usize]
    }

    /// A slot for a new identifier; the caller begins the stream in it.
    pub(crate) fn insert(&mut self, id: u32) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Stream::free());
            self.slots.len() as u32 - 1
        });
        self.note(id, slot);
        slot
    }

    /// Remembers an identifier that never becomes a stream.
    pub(crate) fn insert_gone(&mut self, id: u32, how: Closing) {
        self.note(id, how.mark());
    }

    /// Forgets a stream but for how it went.
    pub(crate) fn remove(&mut self, slot: u32, how: Closing) {
        let id = self.slots[slot as usize].id;
        let place = self.place(id);
        if self.recent[place].id == id {
            self.recent[place].slot = how.mark();
        } else {
            self.old.remove(&id);
        }
        self.slots[slot as usize].end();
        self.free.push(slot);
    }

    /// Ends one side; says whether the stream is gone with it.
    #[inline]
    pub(crate) fn end_remote(&mut self, slot: u32) {
        let stream = self.get_mut(slot);
        stream.remote = Half::Ended;
        if stream.local == Half::Ended {
            self.remove(slot, Closing::Ended);
        }
    }

    /// Ends our side.
    #[inline]
    pub(crate) fn end_local(&mut self, slot: u32) {
        let stream = self.get_mut(slot);
        stream.local = Half::Ended;
        if stream.remote == Half::Ended {
            self.remove(slot, Closing::Ended);
        }
    }

    /// Gives the memory of free slots back, and of all slots where no stream lives; says how many bytes that were.
    pub(crate) fn trim(&mut self) -> usize {
        let Self { slots, free, .. } = self;
        let buffers = free.iter().map(|&slot| slots[slot as usize].trim()).sum();
        if self.len() > 0 {
            return buffers;
        }
        self.free = Vec::new();
        buffers + std::mem::take(&mut self.slots).capacity() * size_of::<Stream>()
    }

    /// Slots of all live streams.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.slots.len() as u32).filter(|&slot| self.get(slot).id != 0)
    }

    fn note(&mut self, id: u32, slot: u32) {
        let place = self.place(id);
        let before = self.recent[place];
        if before.slot < REFUSED {
            self.old.insert(before.id, before.slot);
        }
        self.recent[place] = Recent { id, slot };
    }

    /// Only odd identifiers come: nobody pushes.
    #[inline]
    fn place(&self, id: u32) -> usize {
        (id >> 1) as usize & (self.recent.len() - 1)
    }
}

// === impl Closing ===

impl Closing {
    fn mark(self) -> u32 {
        match self {
            Self::Ended => ENDED,
            Self::Reset => RESET,
            Self::Cut => CUT,
            Self::Refused => REFUSED,
        }
    }
}
