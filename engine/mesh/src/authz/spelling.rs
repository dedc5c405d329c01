//! Paths that an application might take for another method's: its HTTP library unescapes, splits or cleans them first.

/// Bytes that no gRPC method's path needs, and what they are called.
const ODD: [(u8, &str); 5] = [
    (b'%', "a percent-escape"),
    (b'\\', "a backslash"),
    (b';', "a semicolon"),
    (b'?', "a query"),
    (b'#', "a fragment"),
];

/// What is odd about a path that begins with a slash; `None` for "/package.Service/Method" with any name of letters, digits
/// and signs in it.
pub(super) fn oddity(path: &[u8]) -> Option<&'static str> {
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
