//! One cheap hash of a field, the same for the compiler, the decoder and the encoder.

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;

/// Hash of a name and a value; never 0, which stands for "not computed".
///
/// It is not keyed: whoever looks something up by it bounds the probes instead.
#[inline]
pub(crate) const fn field(name: &[u8], value: &[u8]) -> u32 {
    finish(absorb(absorb(SEED, name), value))
}

/// Hash of a name alone.
#[inline]
pub(crate) const fn name(name: &[u8]) -> u32 {
    finish(absorb(SEED, name))
}

#[inline]
const fn absorb(state: u64, mut bytes: &[u8]) -> u64 {
    let mut state = mix(state, bytes.len() as u64);
    while let Some((chunk, rest)) = bytes.split_first_chunk::<8>() {
        state = mix(state, u64::from_le_bytes(*chunk));
        bytes = rest;
    }
    let mut tail = 0;
    if let Some((chunk, rest)) = bytes.split_first_chunk::<4>() {
        tail = u32::from_le_bytes(*chunk) as u64;
        bytes = rest;
    }
    while let Some((&byte, rest)) = bytes.split_first() {
        tail = tail << 8 | byte as u64;
        bytes = rest;
    }
    mix(state, tail)
}

#[inline]
const fn mix(state: u64, word: u64) -> u64 {
    (state.rotate_left(5) ^ word).wrapping_mul(FACTOR)
}

#[inline]
const fn finish(state: u64) -> u32 {
    (state >> 32) as u32 | 1
}
