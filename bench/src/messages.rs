//! gRPC's framing of messages: a flag and a length before each, five bytes.

/// Bytes before a message.
pub const PREFIX: usize = 5;
/// Bytes of the longest message that these programs take.
pub const LONGEST: usize = 16 << 20;

/// Bytes that the first message of `bytes` takes with its prefix; `None` where the prefix is not whole.
#[inline]
#[must_use]
pub fn framed_length(bytes: &[u8]) -> Option<usize> {
    let (&[_, a, b, c, d], _) = bytes.split_first_chunk::<PREFIX>()?;
    Some(PREFIX + u32::from_be_bytes([a, b, c, d]) as usize)
}

/// The prefix of an uncompressed message of `length` bytes.
#[must_use]
pub fn prefix(length: usize) -> [u8; PREFIX] {
    let [a, b, c, d] = (length as u32).to_be_bytes();
    [0, a, b, c, d]
}
