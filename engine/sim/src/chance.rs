//! Randomness that follows from the seed and from what it is for, and not from how often something else asked.
//!
//! So a scenario from which a call was taken out runs on almost as before, and shrinking finds its way.

use tulle_mesh::random::{Random, SplitMix64};

/// A generator for one purpose, named by `parts`.
#[must_use]
pub(crate) fn of(seed: u64, parts: &[u64]) -> SplitMix64 {
    let mut mixed = seed ^ 0x5EED;
    for part in parts {
        mixed = SplitMix64::new(mixed.rotate_left(17) ^ part).next_u64();
    }
    SplitMix64::new(mixed)
}

/// Draws from a generator, in words.
#[derive(Debug)]
pub(crate) struct Dice(SplitMix64);

// === impl Dice ===

impl Dice {
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(of(seed, &[purpose]))
    }

    /// True in `percent` of the cases.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.0.below(100) < percent
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + u64::from(self.0.below((high - low + 1) as u32))
    }

    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.0.below(list.len() as u32) as usize]
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.0.below(length as u32) as usize
    }
}
