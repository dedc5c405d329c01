//! The code of RFC 7541 appendix B. It is canonical, so its lengths say all.

/// Index of the end-of-string symbol, which must never be sent.
pub(super) const EOS: usize = 256;

/// Bits of each symbol's code, RFC 7541 appendix B.
pub(super) const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26, 30,
];

/// The canonical code laid out by length.
pub(super) struct Canonical {
    /// Symbols by length, then by value.
    pub(super) symbols: [u16; 257],
    /// Each symbol's code, right-aligned.
    pub(super) codes: [u32; 257],
    /// First code of each length.
    pub(super) first: [u32; 31],
    /// How many codes have each length.
    pub(super) count: [u32; 31],
    /// Where each length starts in `symbols`.
    pub(super) offset: [u32; 31],
}

/// The code, worked out by the compiler.
pub(super) static CANONICAL: Canonical = canonical();

pub(super) const fn canonical() -> Canonical {
    let mut made = Canonical { symbols: [0; 257], codes: [0; 257], first: [0; 31], count: [0; 31], offset: [0; 31] };
    let (mut length, mut next, mut code) = (1, 0, 0u32);
    while length <= 30 {
        made.first[length] = code;
        made.offset[length] = next;
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == length {
                made.symbols[next as usize] = symbol as u16;
                made.codes[symbol] = code;
                made.count[length] += 1;
                next += 1;
                code += 1;
            }
            symbol += 1;
        }
        code <<= 1;
        length += 1;
    }
    made
}
