//! A short hash for keys that come from the snapshot or are bounded in number.
//!
//! Not keyed against chosen collisions: callers can look up what they like, but they cannot insert without a bound.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const SECOND: u64 = 0xA076_1D64_78BD_642F;

/// A map under this hash.
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FoldHasher>>;

/// Folds sixteen bytes at a time by a wide multiplication.
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
    #[inline]
    fn fold(&mut self, low: u64, high: u64) {
        let wide = u128::from(low ^ self.0 ^ MULTIPLIER) * u128::from(high ^ SECOND);
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for FoldHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((sixteen, more)) = rest.split_first_chunk::<16>() {
            let (low, high) = sixteen.split_at(8);
            self.fold(word(low), word(high));
            rest = more;
        }
        // The length keeps "a" and "a\0" apart.
        let (low, high) = tail(rest);
        self.fold(low ^ ((bytes.len() as u64) << 56), high);
    }

    fn write_u8(&mut self, value: u8) {
        self.fold(u64::from(value), 0);
    }

    fn write_u32(&mut self, value: u32) {
        self.fold(u64::from(value), 0);
    }

    fn write_u64(&mut self, value: u64) {
        self.fold(value, 0);
    }

    fn write_usize(&mut self, value: usize) {
        self.fold(value as u64, 0);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Up to 15 bytes as two words. Loads of fixed size that overlap: a copy of so few bytes would cost more than the rest.
#[inline]
fn tail(rest: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (rest.first_chunk::<8>(), rest.last_chunk::<8>()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        return (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
    }
    let at = |index: usize| u64::from(rest.get(index).copied().unwrap_or_default());
    (at(0) | at(1) << 8 | at(2) << 16, 0)
}

#[inline]
fn word(eight: &[u8]) -> u64 {
    eight.first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word))
}
