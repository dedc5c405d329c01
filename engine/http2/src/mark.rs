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
    Host,
    Te,
    /// A field of the HTTP/1.1 connection (RFC 9113 §8.2.2).
    ConnectionSpecific,
    /// A pseudo-header we know nothing of.
    UnknownPseudo,
    /// Upper case, or a byte no name may hold (RFC 9113 §8.2.1).
    Invalid,
}

/// What no value may have (RFC 9113 §8.2.1 and §8.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueFault {
    Nul,
    LineFeed,
    CarriageReturn,
    OuterSpace,
    UserInfo,
}

/// A field's kind and what is wrong with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) kind: NameKind,
    pub(crate) fault: Option<ValueFault>,
}

// === impl Mark ===

impl Mark {
    pub(crate) const REGULAR: Self = Self { kind: NameKind::Regular, fault: None };

    /// The mark of a name whose value is known to be good.
    pub(crate) const fn of_name(name: &[u8]) -> Self {
        Self { kind: kind_of(name), fault: None }
    }

    /// The same name with another value.
    #[inline]
    pub(crate) fn with_value(self, value: &[u8]) -> Self {
        Self { kind: self.kind, fault: fault_of(value, self.kind) }
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
        b"host" => NameKind::Host,
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

#[inline]
fn fault_of(value: &[u8], kind: NameKind) -> Option<ValueFault> {
    if may_smuggle(value)
        && let Some(fault) = control(value)
    {
        return Some(fault);
    }
    if kind == NameKind::Regular { None } else { fault_of_special(value, kind) }
}

/// NUL, CR and LF, the bytes that smuggle, and an outer tab.
fn control(value: &[u8]) -> Option<ValueFault> {
    let smuggler = value.iter().find_map(|byte| match byte {
        0 => Some(ValueFault::Nul),
        b'\n' => Some(ValueFault::LineFeed),
        b'\r' => Some(ValueFault::CarriageReturn),
        _ => None,
    });
    smuggler.or_else(|| is_outer(value, b'\t').then_some(ValueFault::OuterSpace))
}

/// What HTTP itself reads must not be read in two ways. In all other fields an outer space passes, against RFC 9113
/// §8.2.1: gRPC allows it in metadata and in status messages, and its clients and servers send it (decision 010).
fn fault_of_special(value: &[u8], kind: NameKind) -> Option<ValueFault> {
    if is_outer(value, b' ') {
        return Some(ValueFault::OuterSpace);
    }
    let is_authority = matches!(kind, NameKind::Authority | NameKind::Host);
    (is_authority && value.contains(&b'@')).then_some(ValueFault::UserInfo)
}

fn is_outer(value: &[u8], byte: u8) -> bool {
    value.first() == Some(&byte) || value.last() == Some(&byte)
}

/// Whether any byte is below 14, eight at a time: nearly no value has one, and only then each is looked at.
#[inline]
fn may_smuggle(value: &[u8]) -> bool {
    let (words, tail) = value.as_chunks::<8>();
    let below = |word: u64| word.wrapping_sub(ONES * 14) & !word & (ONES * 128) != 0;
    words.iter().any(|word| below(u64::from_le_bytes(*word))) || tail.iter().any(|&byte| byte < 14)
}

const ONES: u64 = u64::MAX / 255;

// === impl ValueFault ===

impl ValueFault {
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::Nul => "NUL in a value",
            Self::LineFeed => "a line feed in a value",
            Self::CarriageReturn => "a carriage return in a value",
            Self::OuterSpace => "white space around a value",
            Self::UserInfo => "user info in an authority",
        }
    }
}
