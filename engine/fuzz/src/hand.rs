//! Frames written and read by hand, without the codec under test.

/// RFC 9113, section 3.4.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;
pub(crate) const WITH_PRIORITY: u8 = 32;

/// A frame as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

// === impl Frame ===

impl Frame {
    pub(crate) fn new(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        Self { kind, flags, stream, payload: payload.to_vec() }
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = (self.payload.len() as u32).to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), &self.payload].concat()
    }

    /// The payload as one big-endian number, where it is one.
    pub(crate) fn number(&self) -> Option<u32> {
        self.payload[..].try_into().ok().map(u32::from_be_bytes)
    }
}

/// Output as whole frames, a preface left out.
///
/// # Panics
/// Where the bytes end within a frame: what a codec writes is whole.
pub(crate) fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut rest = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    let mut frames = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        assert!(length <= after.len(), "the output ends within a frame");
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        frames.push(Frame::new(head[3], head[4], stream, &after[..length]));
        rest = &after[length..];
    }
    assert!(rest.is_empty(), "the output ends within a frame's head");
    frames
}

/// A block of literals that touch no table.
pub(crate) fn block<T: AsRef<[u8]>>(list: &[(T, T)]) -> Vec<u8> {
    let mut made = Vec::new();
    for (name, value) in list {
        made.push(0);
        string(name.as_ref(), &mut made);
        string(value.as_ref(), &mut made);
    }
    made
}

/// A string literal without Huffman, RFC 7541, section 5.2.
pub(crate) fn string(text: &[u8], out: &mut Vec<u8>) {
    if text.len() < 127 {
        out.push(text.len() as u8);
    } else {
        out.push(127);
        let mut rest = text.len() - 127;
        while rest >= 128 {
            out.push(rest as u8 | 128);
            rest >>= 7;
        }
        out.push(rest as u8);
    }
    out.extend_from_slice(text);
}

/// SETTINGS with these values.
pub(crate) fn settings(list: &[(u16, u32)]) -> Frame {
    let entry = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    Frame::new(SETTINGS, 0, 0, &list.iter().flat_map(entry).collect::<Vec<_>>())
}
