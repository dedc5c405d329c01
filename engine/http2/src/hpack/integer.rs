//! Prefixed integers, RFC 7541 §5.1, bounded: no value of HPACK needs more than 28 bits here.

/// Most octets after the prefix that we read: 2^28 is beyond every limit.
const MOST_OCTETS: u32 = 4;

/// Reads an integer with a prefix of `prefix` bits off `source`; `None` where it is cut off or over its bound.
#[inline]
pub(super) fn read(source: &mut &[u8], prefix: u32) -> Option<u32> {
    let (&first, rest) = source.split_first()?;
    *source = rest;
    let mask = (1u32 << prefix) - 1;
    let value = u32::from(first) & mask;
    if value < mask { Some(value) } else { read_rest(source, value) }
}

/// Appends `value` with a prefix of `prefix` bits below the bits of `pattern`.
#[inline]
pub(super) fn write(out: &mut Vec<u8>, pattern: u8, prefix: u32, value: u32) {
    let mask = (1u32 << prefix) - 1;
    if value < mask {
        out.push(pattern | value as u8);
        return;
    }
    out.push(pattern | mask as u8);
    let mut rest = value - mask;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn read_rest(source: &mut &[u8], mut value: u32) -> Option<u32> {
    for octet in 0..MOST_OCTETS {
        let (&byte, rest) = source.split_first()?;
        *source = rest;
        value += u32::from(byte & 127) << (7 * octet);
        if byte & 128 == 0 {
            return Some(value);
        }
    }
    None
}
