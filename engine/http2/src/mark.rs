//! What a field's name and value are, found once and kept with a table's entry.

#[cfg(test)]
#[path = "mark_tests.rs"]
mod tests;

/// What a name means to this layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameKind {
    Regular,
    Authority,
    Method,
    Path,
    Scheme,
    Status,
    ContentLength,
    Te,
    /// A field of the HTTP/1.1 connection (RFC 9113 §8.2.2).
    ConnectionSpecific,
    /// A pseudo-header we know nothing of.
    UnknownPseudo,
    /// Upper case, or a byte no name may hold (RFC 9113 §8.2.1).
    Invalid,
}

/// A field's kind and whether its value holds NUL, CR or LF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) kind: NameKind,
    pub(crate) bad_value: bool,
}

// === impl Mark ===

impl Mark {
    pub(crate) const REGULAR: Self = Self { kind: NameKind::Regular, bad_value: false };

    /// The mark of a name whose value is known to be good.
    pub(crate) const fn of_name(name: &[u8]) -> Self {
        Self { kind: kind_of(name), bad_value: false }
    }

    /// The same name with another value.
    #[inline]
    pub(crate) fn with_value(self, value: &[u8]) -> Self {
        Self { kind: self.kind, bad_value: is_bad_value(value) }
    }
}

const fn kind_of(name: &[u8]) -> NameKind {
    match name {
        b":authority" => NameKind::Authority,
        b":method" => NameKind::Method,
        b":path" => NameKind::Path,
        b":scheme" => NameKind::Scheme,
        b":status" => NameKind::Status,
        [b':', ..] => NameKind::UnknownPseudo,
        b"content-length" => NameKind::ContentLength,
        b"te" => NameKind::Te,
        b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding" | b"upgrade" => {
            NameKind::ConnectionSpecific
        }
        _ if is_bad_name(name) => NameKind::Invalid,
        _ => NameKind::Regular,
    }
}

/// RFC 9113 §8.2.1: control characters, space, upper case, DEL and above, and a colon are forbidden in names.
const fn is_bad_name(name: &[u8]) -> bool {
    let mut rest = name;
    while let Some((&byte, after)) = rest.split_first() {
        if BAD_IN_NAMES[byte as usize] {
            return true;
        }
        rest = after;
    }
    name.is_empty()
}

const BAD_IN_NAMES: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 256 {
        table[byte] = matches!(byte as u8, 0..=b' ' | b'A'..=b'Z' | b':' | 0x7f..);
        byte += 1;
    }
    table
};

/// Only NUL, CR and LF, the bytes that smuggle. RFC 9113 §8.2.1 forbids outer white space too, but gRPC's percent
/// encoding leaves a status message's last space as it is, and every gRPC stack takes it: a mesh that did not would
/// break calls that work without it.
#[inline]
fn is_bad_value(value: &[u8]) -> bool {
    may_smuggle(value) && value.iter().any(|&byte| smuggles(byte))
}

/// Whether any byte is below 14, eight at a time: nearly no value has one, and only then each is looked at.
#[inline]
fn may_smuggle(value: &[u8]) -> bool {
    let (words, tail) = value.as_chunks::<8>();
    let below = |word: u64| word.wrapping_sub(ONES * 14) & !word & (ONES * 128) != 0;
    words.iter().any(|word| below(u64::from_le_bytes(*word))) || tail.iter().any(|&byte| byte < 14)
}

const ONES: u64 = u64::MAX / 255;

#[inline]
fn smuggles(byte: u8) -> bool {
    matches!(byte, 0 | b'\n' | b'\r')
}
