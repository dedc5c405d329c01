//! A short hash for keys that come from the snapshot or are bounded in number.
//!
//! Not keyed against chosen collisions: callers can look up what they like, but they cannot insert without a bound.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// A map under this hash.
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FoldHasher>>;

/// Folds eight bytes at a time by a wide multiplication.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FoldHasher(u64);

/// The hash of one byte string.
pub(crate) fn of(bytes: &[u8]) -> u64 {
    let mut hasher = FoldHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

// === impl FoldHasher ===

impl FoldHasher {
    fn fold(&mut self, word: u64) {
        let wide = u128::from(self.0 ^ word ^ MULTIPLIER) * u128::from(MULTIPLIER | 1);
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for FoldHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let mut eight = [0; 8];
            eight.copy_from_slice(word);
            self.fold(u64::from_le_bytes(eight));
        }
        let mut last = [0; 8];
        let rest = words.remainder();
        last[..rest.len()].copy_from_slice(rest);
        // The length keeps "a" and "a\0" apart.
        self.fold(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }

    fn write_u8(&mut self, value: u8) {
        self.fold(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.fold(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.fold(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.fold(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
