//! Paths that an application might take for another method's: its HTTP library unescapes, splits or cleans them first.

/// Bytes that no gRPC method's path needs, and what they are called.
const ODD: [(u8, &str); 5] = [
    (b'%', "a percent-escape"),
    (b'\\', "a backslash"),
    (b';', "a semicolon"),
    (b'?', "a query"),
    (b'#', "a fragment"),
];

/// What a byte is to a path whose names are plain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Plain too, but not as a segment's first byte.
    Dot,
    Slash,
    Odd,
}

const KINDS: [Kind; 256] = kinds();

const fn kinds() -> [Kind; 256] {
    let mut kinds = [Kind::Plain; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        kinds[byte] = Kind::Odd;
        byte += 1;
    }
    kinds[0x7f] = Kind::Odd;
    let mut at = 0;
    while at < ODD.len() {
        kinds[ODD[at].0 as usize] = Kind::Odd;
        at += 1;
    }
    kinds[b'.' as usize] = Kind::Dot;
    kinds[b'/' as usize] = Kind::Slash;
    kinds
}

/// What is odd about a path that begins with a slash; `None` for "/package.Service/Method" with any name of letters, digits
/// and signs in it.
pub(super) fn oddity(path: &[u8]) -> Option<&'static str> {
    if is_plain(path) {
        return None;
    }
    if let Some((_, name)) = ODD.into_iter().find(|(byte, _)| path.contains(byte)) {
        return Some(name);
    }
    if path.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Some("a blank or a control character");
    }
    path[1..].split(|byte| *byte == b'/').find_map(|segment| match segment {
        b"" => Some("an empty segment"),
        b"." | b".." => Some("a dot segment"),
        _ => None,
    })
}

/// True for nearly every path of an honest call, in one pass; false says only that it needs a closer look.
fn is_plain(path: &[u8]) -> bool {
    let mut after_slash = false;
    for byte in path {
        match KINDS[usize::from(*byte)] {
            Kind::Plain => after_slash = false,
            Kind::Slash | Kind::Dot if after_slash => return false,
            Kind::Slash => after_slash = true,
            Kind::Dot => {}
            Kind::Odd => return false,
        }
    }
    !after_slash
}
