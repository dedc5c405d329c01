//! What a field's name and value are, found once and kept with a table's entry.

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
    let mut at = 0;
    while at < name.len() {
        if matches!(name[at], 0..=b' ' | b'A'..=b'Z' | b':' | 0x7f..) {
            return true;
        }
        at += 1;
    }
    name.is_empty()
}

/// Only NUL, CR and LF, the bytes that smuggle. RFC 9113 §8.2.1 forbids outer white space too, but gRPC's percent
/// encoding leaves a status message's last space as it is, and every gRPC stack takes it: a mesh that did not would
/// break calls that work without it.
#[inline]
fn is_bad_value(value: &[u8]) -> bool {
    // Without an early return the compiler checks 16 and more bytes at a time.
    value.iter().fold(false, |bad, &byte| bad | (byte == 0) | (byte == b'\n') | (byte == b'\r'))
}
