//! A hierarchical timer wheel of one-millisecond ticks: inserting and cancelling cost a few writes, whatever waits.

use std::time::{Duration, Instant};

const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
/// Six levels of 64 slots reach 2.1 years; what is later waits in the last slot and is looked at again.
const LEVELS: usize = 6;
/// As far as a timer is put on the wheel: one slot farther would be the one that is looked at now, from which it would be
/// moved to itself without end.
const REACH: u64 = (SLOTS as u64 - 1) << (SLOT_BITS * (LEVELS as u32 - 1));
const END: u32 = u32::MAX;

/// A timer that may be cancelled. [`TimerId::NONE`] is no timer, and so is one that has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerId {
    index: u32,
    generation: u32,
}

/// Timers of one worker. Never fires early; fires at most one tick late.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    start: Instant,
    tick: u64,
    levels: [Level; LEVELS],
    entries: Vec<Entry<T>>,
    free: u32,
}

#[derive(Debug)]
struct Level {
    occupied: u64,
    heads: [u32; SLOTS],
}

#[derive(Debug)]
struct Entry<T> {
    at: u64,
    next: u32,
    previous: u32,
    level: u8,
    slot: u8,
    generation: u32,
    item: T,
}

// === impl TimerId ===

impl TimerId {
    pub(crate) const NONE: Self = Self { index: END, generation: 0 };
}

// === impl Wheel ===

impl<T: Copy> Wheel<T> {
    pub(crate) fn new(start: Instant) -> Self {
        let levels = std::array::from_fn(|_| Level { occupied: 0, heads: [END; SLOTS] });
        Self { start, tick: 0, levels, entries: Vec::new(), free: END }
    }

    /// Fires `item` once, at `at` or up to a tick later.
    pub(crate) fn insert(&mut self, at: Instant, item: T) -> TimerId {
        let at = self.tick_of(at).max(self.tick + 1);
        let index = self.allot(at, item);
        self.link(index);
        TimerId { index, generation: self.entries[index as usize].generation }
    }

    /// Forgets a timer and clears the handle; no-op on one that has fired.
    #[inline]
    pub(crate) fn cancel(&mut self, timer: &mut TimerId) {
        if *timer != TimerId::NONE {
            self.forget(std::mem::replace(timer, TimerId::NONE));
        }
    }

    fn forget(&mut self, TimerId { index, generation }: TimerId) {
        let Some(entry) = self.entries.get(index as usize) else { return };
        if entry.generation == generation {
            self.unlink(index);
            self.release(index);
        }
    }

    /// The next timer that is due at `now`; to be called until it gives none.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        let now = self.elapsed(now);
        while let Some((level, slot, tick)) = self.first_slot() {
            if tick > now {
                break;
            }
            self.tick = self.tick.max(tick);
            if level == 0 {
                return Some(self.take_head(slot));
            }
            self.cascade(level, slot);
        }
        self.tick = self.tick.max(now);
        None
    }

    /// When `pop` should be called next; may be before the first timer, never after it.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        let (_, _, tick) = self.first_slot()?;
        Some(self.start + Duration::from_millis(tick))
    }

    fn tick_of(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.start);
        since.as_millis() as u64 + u64::from(!since.subsec_nanos().is_multiple_of(1_000_000))
    }

    fn elapsed(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_millis() as u64
    }

    /// The occupied slot that begins first: on the lowest level that has one, for each level lies beyond the one below.
    fn first_slot(&self) -> Option<(usize, usize, u64)> {
        let level = self.levels.iter().position(|level| level.occupied != 0)?;
        let shift = SLOT_BITS * level as u32;
        let here = (self.tick >> shift) & (SLOTS as u64 - 1);
        let ahead = self.levels[level].occupied.rotate_right(here as u32).trailing_zeros();
        let slot = (here as usize + ahead as usize) % SLOTS;
        let round = self.tick >> (shift + SLOT_BITS) << (shift + SLOT_BITS);
        let mut tick = round + ((slot as u64) << shift);
        if (slot as u64) < here {
            tick += 1 << (shift + SLOT_BITS);
        }
        Some((level, slot, tick))
    }

    fn take_head(&mut self, slot: usize) -> T {
        let index = self.levels[0].heads[slot];
        let item = self.entries[index as usize].item;
        self.unlink(index);
        self.release(index);
        item
    }

    fn cascade(&mut self, level: usize, slot: usize) {
        let mut index = self.levels[level].heads[slot];
        self.levels[level].heads[slot] = END;
        self.levels[level].occupied &= !(1 << slot);
        while index != END {
            let next = self.entries[index as usize].next;
            self.link(index);
            index = next;
        }
    }

    fn link(&mut self, index: u32) {
        let at = self.entries[index as usize].at.min(self.tick + REACH);
        let differing = (at ^ self.tick) | (SLOTS as u64 - 1);
        let level = ((63 - differing.leading_zeros()) / SLOT_BITS).min(LEVELS as u32 - 1) as usize;
        let slot = ((at >> (SLOT_BITS * level as u32)) & (SLOTS as u64 - 1)) as usize;
        let head = std::mem::replace(&mut self.levels[level].heads[slot], index);
        self.levels[level].occupied |= 1 << slot;
        if let Some(old) = self.entries.get_mut(head as usize) {
            old.previous = index;
        }
        let entry = &mut self.entries[index as usize];
        (entry.next, entry.previous) = (head, END);
        (entry.level, entry.slot) = (level as u8, slot as u8);
    }

    fn unlink(&mut self, index: u32) {
        let Entry { next, previous, level, slot, .. } = self.entries[index as usize];
        match self.entries.get_mut(previous as usize) {
            Some(before) => before.next = next,
            None => self.set_head(level, slot, next),
        }
        if let Some(after) = self.entries.get_mut(next as usize) {
            after.previous = previous;
        }
    }

    fn set_head(&mut self, level: u8, slot: u8, head: u32) {
        let level = &mut self.levels[usize::from(level)];
        level.heads[usize::from(slot)] = head;
        if head == END {
            level.occupied &= !(1 << slot);
        }
    }

    fn allot(&mut self, at: u64, item: T) -> u32 {
        if self.free == END {
            self.entries.push(Entry { at, next: END, previous: END, level: 0, slot: 0, generation: 0, item });
            return self.entries.len() as u32 - 1;
        }
        let index = self.free;
        let entry = &mut self.entries[index as usize];
        self.free = entry.next;
        (entry.at, entry.item) = (at, item);
        index
    }

    fn release(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.next = self.free;
        self.free = index;
    }
}

#[cfg(test)]
#[path = "timers_tests.rs"]
mod tests;
