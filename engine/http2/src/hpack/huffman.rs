//! Huffman strings (RFC 7541 §5.2), decoded by a table of 11 bits that gives up to two symbols a look.

use super::huffman_code::{CANONICAL, EOS, LENGTHS, canonical};

/// Bits of the fast table's index: every printable character but a few fits.
const FAST: u32 = 11;
/// Longest code.
const LONGEST: u32 = 30;

/// Why a Huffman string is no string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HuffmanError {
    /// It holds the end-of-string symbol.
    EndOfString,
    /// Its padding is over 7 bits or not all ones.
    Padding,
}

/// What 11 bits begin with; `count` is 0 where the code is longer.
#[derive(Clone, Copy)]
struct Step {
    symbols: [u8; 2],
    bits: u8,
    count: u8,
}

static STEPS: [Step; 1 << FAST] = steps();

/// Appends the decoded string to `out`.
pub(crate) fn decode(source: &[u8], out: &mut Vec<u8>) -> Result<(), HuffmanError> {
    out.reserve(source.len() * 8 / 5 + 2);
    let (mut acc, mut bits) = (0u64, 0u32);
    let mut rest = source;
    loop {
        if bits < LONGEST {
            let Some((chunk, tail)) = rest.split_first_chunk::<4>() else {
                // The end is near: a fast step could run past it (engine.md, trap 13).
                for &byte in rest {
                    acc = acc << 8 | u64::from(byte);
                    bits += 8;
                }
                return decode_tail(acc, bits, out);
            };
            acc = acc << 32 | u64::from(u32::from_be_bytes(*chunk));
            bits += 32;
            rest = tail;
        }
        let step = STEPS[(acc >> (bits - FAST)) as usize & ((1 << FAST) - 1)];
        if step.count > 0 {
            out.push(step.symbols[0]);
            if step.count > 1 {
                out.push(step.symbols[1]);
            }
            bits -= u32::from(step.bits);
        } else {
            let (symbol, length) = long_symbol((acc >> (bits - LONGEST)) as u32 & ((1 << LONGEST) - 1));
            if symbol as usize == EOS {
                return Err(HuffmanError::EndOfString);
            }
            out.push(symbol as u8);
            bits -= length;
        }
    }
}

/// Appends the Huffman form of `source` to `out`.
pub(crate) fn encode(source: &[u8], out: &mut Vec<u8>) {
    let (mut acc, mut bits) = (0u64, 0u32);
    for &byte in source {
        let length = u32::from(LENGTHS[byte as usize]);
        acc = acc << length | u64::from(CANONICAL.codes[byte as usize]);
        bits += length;
        while bits >= 8 {
            bits -= 8;
            out.push((acc >> bits) as u8);
        }
    }
    if bits > 0 {
        let padding = 8 - bits;
        out.push((acc << padding) as u8 | ((1u16 << padding) - 1) as u8);
    }
}

/// Bytes that [`encode`] would append.
pub(crate) fn encoded_len(source: &[u8]) -> usize {
    let bits: usize = source.iter().map(|&b| usize::from(LENGTHS[b as usize])).sum();
    bits.div_ceil(8)
}

/// Decodes the last bits one symbol at a time, as if ones without end came after them.
fn decode_tail(acc: u64, mut bits: u32, out: &mut Vec<u8>) -> Result<(), HuffmanError> {
    while bits > 0 {
        let held = acc & ((1 << bits) - 1);
        let missing = LONGEST.saturating_sub(bits);
        let window = if missing > 0 { held << missing | ((1 << missing) - 1) } else { held >> (bits - LONGEST) };
        let (symbol, length) = symbol(window as u32);
        if length > bits {
            let all_ones = held == (1 << bits) - 1;
            return if bits < 8 && all_ones { Ok(()) } else { Err(HuffmanError::Padding) };
        }
        if symbol as usize == EOS {
            return Err(HuffmanError::EndOfString);
        }
        out.push(symbol as u8);
        bits -= length;
    }
    Ok(())
}

/// The first symbol of a 30-bit window and its length.
fn symbol(window: u32) -> (u16, u32) {
    let step = STEPS[(window >> (LONGEST - FAST)) as usize];
    if step.count > 0 {
        (u16::from(step.symbols[0]), u32::from(LENGTHS[step.symbols[0] as usize]))
    } else {
        long_symbol(window)
    }
}

/// The same for a code of over 11 bits, by the canonical code's first value of each length.
fn long_symbol(window: u32) -> (u16, u32) {
    for length in FAST + 1..LONGEST {
        let at = length as usize;
        let distance = (window >> (LONGEST - length)).wrapping_sub(CANONICAL.first[at]);
        if distance < CANONICAL.count[at] {
            return (CANONICAL.symbols[(CANONICAL.offset[at] + distance) as usize], length);
        }
    }
    let at = LONGEST as usize;
    let distance = window - CANONICAL.first[at];
    (CANONICAL.symbols[(CANONICAL.offset[at] + distance) as usize], LONGEST)
}

const fn steps() -> [Step; 1 << FAST] {
    let none = Step { symbols: [0; 2], bits: 0, count: 0 };
    pairs(singles([none; 1 << FAST]))
}

/// Each code of up to 11 bits fills the range of indices it begins.
const fn singles(mut table: [Step; 1 << FAST]) -> [Step; 1 << FAST] {
    let code = canonical();
    let mut symbol = 0;
    while symbol < EOS {
        let length = LENGTHS[symbol] as u32;
        if length <= FAST {
            let first = (code.codes[symbol] << (FAST - length)) as usize;
            let mut at = first;
            while at < first + (1 << (FAST - length)) {
                table[at] = Step { symbols: [symbol as u8, 0], bits: length as u8, count: 1 };
                at += 1;
            }
        }
        symbol += 1;
    }
    table
}

/// Where a second code fits into what the first left, both are given at once.
const fn pairs(single: [Step; 1 << FAST]) -> [Step; 1 << FAST] {
    let mut table = single;
    let mut at = 0;
    while at < 1 << FAST {
        let first = single[at];
        if first.count == 1 {
            let second = single[(at << first.bits) & ((1 << FAST) - 1)];
            if second.count == 1 && (first.bits + second.bits) as u32 <= FAST {
                table[at] =
                    Step { symbols: [first.symbols[0], second.symbols[0]], bits: first.bits + second.bits, count: 2 };
            }
        }
        at += 1;
    }
    table
}
